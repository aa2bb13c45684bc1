-- The generator of sample data: same options, same bytes; and data/ is what it makes.

package.path = "bench/?.lua;" .. package.path

local shell = require("support.server").shell

-- The binary that runs this spec (the shell's parent), so that a sanitizer build tests itself.
local binary = shell "readlink /proc/$PPID/exe"

local function generate(options)
  local folder = shell "mktemp -d /tmp/pghost_generate.XXXXXX"
  shell(("%s bench/generate.lua --out %s %s"):format(binary, folder, options))
  return folder
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

describe("bench/generate.lua", function()
  local folder

  after_each(function()
    if folder then
      shell("rm -rf " .. folder)
    end
    folder = nil
  end)

  it("makes the sample in data/, byte by byte", function()
    folder = generate "--seed 20240630"
    for _, name in ipairs { "company.csv", "users.csv", "manifest.json" } do
      assert.equal(read("data/" .. name), read(folder .. "/" .. name), name)
    end
    for i = 1, 3 do
      local name = ("booking_%d.csv"):format(i)
      assert.is_true(read("data/" .. name) == read(folder .. "/" .. name), name)
    end
  end)

  it("makes other data from another seed", function()
    folder = generate "--seed 7"
    assert.is_false(read("data/users.csv") == read(folder .. "/users.csv"))
  end)

  it("puts in each kind of dirt that fits", function()
    local manifest = require("cjson").decode(read "data/manifest.json")
    local dirt = require "generator.dirt"
    for _, name in ipairs { "booking", "users", "company" } do
      for _, kind in ipairs(dirt[name]()) do
        assert.is_true((manifest.tables[name].dirt[kind.name] or 0) > 0, name .. ": " .. kind.name)
      end
    end
    assert.equal(1, manifest.tables.booking.rejects.unterminated_quote)
  end)

  it("makes clean data that psql's COPY takes", function()
    folder = generate "--bookings 300 --users 30 --companies 5 --clean"
    local server = require("support.server").get()
    local out = server:psql(([[
      create temp table booking (user_id bigint not null, booking_id bigint primary key, created_at timestamp not null,
        status text, checkin_status text, booking_start_time timestamp not null, booking_end_time timestamp,
        is_demo boolean not null, check (booking_start_time <= booking_end_time));
      \copy booking from '%s/booking.csv' csv header
      select count(*), count(distinct booking_id), min(user_id) >= 1 and max(user_id) <= 30 from booking;
    ]]):format(folder))
    assert.equal("300|300|t", out)
  end)

  it("makes ten typed columns for the load engine", function()
    folder = generate "--events 200"
    local server = require("support.server").get()
    local out = server:psql(([[
      create temp table event (event_id bigint primary key, user_id bigint, desk_id bigint, created_at timestamp,
        starts_at timestamp, ends_at timestamp, is_demo boolean, status text, channel text, note text);
      \copy event from '%s/event.csv' csv header
      select count(*), bool_and(created_at < starts_at) from event;
    ]]):format(folder))
    assert.equal("200|t", out)
  end)

  it("says what is wrong with its options", function()
    local pipe = assert(io.popen(binary .. " bench/generate.lua --bookings 3 2>&1; echo $?"))
    local out = pipe:read("a")
    pipe:close()
    assert.equal("generate.lua: give a folder to write to: --out DIR\n2\n", out)
  end)
end)
