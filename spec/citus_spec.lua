-- Runs over distributed tables of a Citus cluster (spec/support/citus.lua): what they publish is what they publish
-- into local tables, and what the cluster cannot do is refused before anything is loaded.

local assert = require "luassert"
local busted = require "busted"
local citus = require "support.citus"
local fixture = require "support.fixture"
local project = require "support.project"

local it = busted.it

local pipeline = [[
local pipeline = require "pghost.pipeline"
local check = require "pghost.check"
local r = require "pghost.rules"
local run <close> = pipeline.start("p", { data = ".", retries = 0, lock_wait = 5, distribute = { busy = "city" } })
run:load("users", "users.csv", r.table("users", {
  { "user_id", r.bigint():required() }, { "city", r.text():required() }, { "note", r.json() },
}, { key = "user_id" }), { %s })
run:load("booking", "booking*.csv", r.table("booking", {
  { "booking_id", r.bigint():required() }, { "user_id", r.bigint() }, { "amount", r.numeric() },
}, { key = { "booking_id", "user_id" } }), { %s })
run:check { check.not_empty("booking"), check.references("booking.user_id", "users.user_id"),
  check.unique("booking", { "booking_id", "user_id" }) }
run:analyse("sql")
run:publish()
]]

local function files()
  local users, booking = { "user_id,city,note" }, { "booking_id,user_id,amount" }
  for i = 1, 40 do
    users[#users + 1] = ("%d,c%d,"):format(i, i % 3)
  end
  for i = 1, 500 do
    booking[#booking + 1] = ("%d,%d,%d.5"):format(i, i % 40 + 1, i)
  end
  table.move({ "7,8,1", "7,8,2", "x,1,1", "9,10,bad" }, 1, 4, #booking + 1, booking)
  return { ["users.csv"] = table.concat(users, "\n") .. "\n", ["booking.csv"] = table.concat(booking, "\n") .. "\n",
    ["sql/busy.sql"] = "SELECT u.city, count(*) AS bookings, sum(b.amount) AS amount "
      .. "FROM booking AS b JOIN users AS u USING (user_id) GROUP BY 1" }
end

local placements = [[SELECT table_name::text, citus_table_type, distribution_column FROM citus_tables ORDER BY 1]]

local contents = [[
  SELECT (SELECT count(*) || '|' || sum(amount) || '|' || min(amount) FILTER (WHERE booking_id = 7) FROM booking),
    (SELECT count(*) FROM booking_raw), (SELECT count(*) FROM users), (SELECT count(*) FROM users_raw),
    (SELECT string_agg(city || bookings || amount, ' ' ORDER BY city) FROM busy),
    (SELECT string_agg(rule || line, ' ' ORDER BY line, rule) FROM pghost.rejects
     WHERE run_id = (SELECT max(run_id) FROM pghost.runs)), (SELECT count(*) FROM pg_namespace
     WHERE nspname LIKE 'pghost\_build%')]]

citus.describe("a run over distributed tables", function()
  local here, sql

  fixture.each(function(keep)
    local database = keep(citus.database())
    here = keep(project.new({}, database.dsn))
    os.execute("mkdir " .. here.folder .. "/sql")
    for name, text in pairs(files()) do
      here:write(name, text)
    end
    sql = function(...)
      return here:ask(...)
    end
  end)

  local function run(users, booking, ...)
    here:write("p.lua", pipeline:format(users or "", booking or ""))
    return here:run("p.lua", { ... })
  end

  it("gives what local tables give, again and again, and stays distributed without being told", function()
    local err, code = run("distribute = 'local'", "distribute = 'local'")
    assert.equal(0, code, err)
    local expected = sql(contents)
    for _, given in ipairs { "distribute = 'user_id'", "" } do
      err, code = run(given, given)
      assert.equal(0, code, err)
      assert.equal(expected, sql(contents))
      assert.equal("booking|distributed|user_id\nbooking_raw|distributed|_line\nbusy|distributed|city\n"
        .. "users|distributed|user_id\nusers_raw|distributed|_line", sql(placements))
    end
    err, code = run("distribute = 'reference'", "distribute = 'booking_id'", "--dry-run")
    assert.equal(0, code, err)
    assert.truthy(err:find("users *is distributed by 'user_id', and becomes a reference table"), err)
    assert.truthy(sql(placements):find("users|distributed|user_id", 1, true))
    err, code = run("distribute = 'reference'", "distribute = 'booking_id'")
    assert.equal(0, code, err)
    assert.equal(expected, sql(contents))
    assert.truthy(err:find("booking *is distributed by 'user_id', and becomes distributed by 'booking_id'"), err)
    assert.truthy(err:find("users *is distributed by 'user_id', and becomes a reference table"), err)
    err, code = run("distribute = 'local'", "distribute = 'local'")
    assert.equal(0, code, err)
    assert.equal(expected, sql(contents))
    assert.equal("busy|distributed|city", sql(placements))
  end)

  it("keeps what a person has distributed by hand", function()
    local err, code = run()
    assert.equal(0, code, err)
    local expected = sql(contents)
    sql "SELECT create_distributed_table('booking', 'booking_id', shard_count => 4)"
    sql "SELECT create_reference_table('users')"
    sql "ALTER TABLE booking ADD CONSTRAINT of_user FOREIGN KEY (user_id) REFERENCES users"
    sql "CREATE INDEX by_amount ON booking (amount)"
    for _ = 1, 2 do
      err, code = run()
      assert.equal(0, code, err)
      assert.equal(expected, sql(contents))
      assert.equal("booking|distributed|booking_id|4\nbusy|distributed|city|32\nusers|reference||1",
        sql [[SELECT table_name::text, citus_table_type, replace(distribution_column, '<none>', ''), shard_count
          FROM citus_tables ORDER BY 1]])
      assert.equal("of_user|by_amount", sql [[SELECT (SELECT conname FROM pg_constraint
        WHERE contype = 'f' AND conrelid = 'booking'::regclass), to_regclass('by_amount')]])
    end
  end)

  it("is refused before anything is loaded where the cluster cannot do it", function()
    for _, given in ipairs {
      { "distribute = 'usr_id'", "", "table 'users': distribute = 'usr_id': the table has no column of that name: did "
        .. "you mean 'user_id'?" },
      { "distribute = 'city'", "", "table 'users': distribute = 'city': the key (user_id) lacks that column, and each "
        .. "node sees only its own keys: add it to the key of the rules, or distribute by a column of the key" },
      { "", "distribute = 'amount'", "table 'booking': distribute = 'amount': the key (booking_id, user_id) lacks" },
    } do
      local err, code = run(given[1], given[2])
      assert.equal(1, code, err)
      assert.truthy(err:find(given[3], 1, true), err)
      assert.equal("", sql "SELECT to_regclass('users')")
    end
  end)

  it("refuses a foreign key that the cluster could not keep, before anything is loaded", function()
    local err, code = run("distribute = 'user_id'", "distribute = 'user_id'")
    assert.equal(0, code, err)
    sql "ALTER TABLE booking ADD CONSTRAINT of_user FOREIGN KEY (user_id) REFERENCES users"
    local before = sql(placements)
    for _, given in ipairs {
      { "", "distribute = 'booking_id'", "'booking' would be distributed by 'booking_id', 'users' distributed by" },
      { "distribute = 'local'", "", "'booking' would be distributed by 'user_id', 'users' local" },
      { "", "distribute = 'local'", "'booking' would be local, 'users' distributed by 'user_id'" },
      { "", "distribute = 'reference'", "'booking' would be a reference table, 'users' distributed by 'user_id'" },
    } do
      err, code = run(given[1], given[2])
      assert.equal(1, code, err)
      assert.truthy(err:find("table 'booking': the foreign key 'of_user' to 'users' cannot be kept: " .. given[3], 1,
        true), err)
      assert.is_nil(err:find("load     booking", 1, true), err)
      assert.equal(before, sql(placements))
    end
    err, code = run("distribute = 'reference'", "distribute = 'booking_id'")
    assert.equal(0, code, err)
    assert.equal("of_user", sql [[SELECT conname FROM pg_constraint
      WHERE contype = 'f' AND conrelid = 'booking'::regclass]])
  end)

  it("refuses a foreign key of a table that the run does not make, before anything is loaded", function()
    local err, code = run()
    assert.equal(0, code, err)
    sql "CREATE TABLE note (user_id bigint REFERENCES users)"
    err, code = run("distribute = 'user_id'", "distribute = 'user_id'")
    assert.equal(1, code, err)
    assert.truthy(err:find("table 'note': the foreign key 'note_user_id_fkey' to 'users' cannot be kept: 'note' "
      .. "would be local, 'users' distributed by 'user_id': distribute both by the columns of the key, make 'users' a "
      .. "reference table, or drop the key", 1, true), err)
    assert.is_nil(err:find("load     users", 1, true), err)
    assert.equal("busy|distributed|city", sql(placements))
  end)
end)
