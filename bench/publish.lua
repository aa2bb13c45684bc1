-- How long readers wait for a publish.
--
--   build/pghost bench/publish.lua --dsn DSN [--records 2000000] [--times 3]
--
-- Makes a schema bench_publish with two tables of that many records, indexes, a foreign key between
-- them, one from a third table, views, a materialized view, grants and comments; builds them anew and
-- publishes while readers ask for one record of both tables in a loop. Prints how long preparing and
-- swapping took and the longest that any reader waited, without and during the publish.

local connection = require "pghost.connection"
local publish = require "pghost.publish.swap"
local sys = require "pghost.native.sys"

local readers = 3

local function parse(words)
  local options = { records = 2000000, times = 3 }
  for i = 1, #words, 2 do
    options[words[i]:match("^%-%-(%a+)$") or error("usage: --dsn DSN [--records N] [--times N]", 0)] = words[i + 1]
  end
  return options
end

-- Reads one record of both tables until the file `stop` is there; prints the longest time in ms.
local function read(dsn, stop)
  local conn <close> = connection.open { dsn = dsn }
  local longest, count = 0, 0
  repeat
    for id = 1, 50 do
      local started = sys.clock()
      conn:query([[
        SELECT b.status, u.name, (SELECT bookings FROM bench_publish.per_user AS p WHERE p.user_id = u.id)
        FROM bench_publish.booking AS b JOIN bench_publish.known AS u ON u.id = b.user_id WHERE b.booking_id = $1]], id)
      longest, count = math.max(longest, sys.clock() - started), count + 1
    end
    local file = io.open(stop)
    if file then
      file:close()
    end
  until file
  print(("%.1f %d"):format(longest * 1000, count))
end

local function create(conn, schema, records)
  conn:exec(([[
    CREATE TABLE %s.users (id bigint PRIMARY KEY, name text NOT NULL, email text);
    CREATE TABLE %s.booking (booking_id bigint PRIMARY KEY, user_id bigint NOT NULL, status text, starts_at timestamp);
    INSERT INTO %s.users SELECT i, 'user ' || i, i || '@example.org' FROM generate_series(1, %d) AS i;
    INSERT INTO %s.booking SELECT i, 1 + i %% %d, 'open', timestamp '2024-01-01' + i * interval '1 second'
    FROM generate_series(1, %d) AS i]]):format(schema, schema, schema, records, schema, records, records))
end

local function set_up(conn, records)
  conn:exec("DROP SCHEMA IF EXISTS bench_publish CASCADE; CREATE SCHEMA bench_publish")
  create(conn, "bench_publish", records)
  conn:exec([[
    SET search_path = bench_publish;
    CREATE INDEX ON users (email);
    CREATE INDEX ON booking (user_id);
    CREATE INDEX ON booking (starts_at);
    ALTER TABLE booking ADD FOREIGN KEY (user_id) REFERENCES users;
    ALTER TABLE booking ADD CHECK (status <> '');
    CREATE TABLE note (user_id bigint REFERENCES users, body text);
    INSERT INTO note SELECT id, 'note' FROM users;
    CREATE VIEW known AS SELECT id, name FROM users WHERE email IS NOT NULL;
    CREATE MATERIALIZED VIEW per_user AS SELECT user_id, count(*) AS bookings FROM booking GROUP BY user_id;
    CREATE UNIQUE INDEX ON per_user (user_id);
    CREATE VIEW top AS SELECT k.name, p.bookings FROM known AS k JOIN per_user AS p ON p.user_id = k.id;
    GRANT SELECT ON ALL TABLES IN SCHEMA bench_publish TO PUBLIC;
    COMMENT ON TABLE users IS 'people';
    COMMENT ON COLUMN users.email IS 'mail';
    RESET search_path]])
end

local function host()
  local pipe <close> = assert(io.popen("readlink /proc/$PPID/exe"))
  return pipe:read("l")
end

-- The longest wait of all readers, in ms, while fn runs.
local function longest_wait(dsn, fn)
  local stop, pipes = os.tmpname(), {}
  os.remove(stop)
  for i = 1, readers do
    pipes[i] = assert(io.popen(("'%s' '%s' --dsn '%s' --reader '%s'"):format(host(), arg[0], dsn, stop)))
  end
  sys.sleep(0.5)
  fn()
  sys.sleep(0.5)
  assert(io.open(stop, "w")):close()
  local longest, count = 0, 0
  for _, pipe in ipairs(pipes) do
    local milliseconds, queries = pipe:read("n", "n")
    longest, count = math.max(longest, milliseconds), count + queries
    pipe:close()
  end
  os.remove(stop)
  return longest, count
end

local function timed(fn)
  local started = sys.clock()
  fn()
  return sys.clock() - started
end

local function once(conn, options)
  conn:exec("CREATE SCHEMA bench_publish_build")
  create(conn, "bench_publish_build", options.records)
  local work = { build = "bench_publish_build", target = "bench_publish", tables = { "users", "booking" } }
  local prepare, swap
  local preparing = longest_wait(options.dsn, function()
    prepare = timed(function()
      work.prepared = publish.prepare(conn, work)
    end)
  end)
  local swapping, count = longest_wait(options.dsn, function()
    swap = timed(function()
      conn:transaction(function()
        publish.swap(conn, work)
      end)
    end)
  end)
  conn:exec("DROP SCHEMA bench_publish_build CASCADE")
  print(("prepare %6.2f s, longest wait %6.1f ms | swap %6.3f s, locked %5.1f ms, longest wait %6.1f ms (%d reads)")
    :format(prepare, preparing, swap, work.prepared.locked * 1000, swapping, count))
end

local options = parse(arg)
if options.reader then
  return read(options.dsn, options.reader)
end
options.records = math.tointeger(tonumber(options.records))
local db <close> = connection.open { dsn = options.dsn }
set_up(db, options.records)
local quiet = longest_wait(options.dsn, function()
  sys.sleep(2)
end)
print(("%d records in each table; longest wait of %d readers without a publish: %.1f ms")
  :format(options.records, readers, quiet))
for _ = 1, math.tointeger(tonumber(options.times)) do
  once(db, options)
end
db:exec("DROP SCHEMA bench_publish CASCADE")
