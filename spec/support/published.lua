-- Two tables that are published, and the same two built anew, for specs of what publishing keeps (oracle: pg_dump).

local assert = require "luassert"
local connection = require "pghost.connection"
local publish = require "pghost.publish.swap"
local server = require "support.server"

local M = {}

local ROLES = [[
do $$ begin create role publish_alice; exception when duplicate_object then null; end $$;
do $$ begin create role publish_bob; exception when duplicate_object then null; end $$;
do $$ begin create role publish_carol; exception when duplicate_object then null; end $$;
do $$ begin create role publish_owner login; exception when duplicate_object then null; end $$;
]]

local TABLES = [[
create table %s.users (id bigint primary key, name text not null, email text, age integer);
create table %s.booking (id bigint primary key, user_id bigint not null, status text, amount numeric);
]]

M.old = TABLES:format("public", "public") .. [[
insert into users select i, 'user ' || i, 'u' || i || '@x', 20 + i from generate_series(1, 10) as i;
insert into booking select i, 1 + i % 10, 'open', i from generate_series(1, 20) as i;
]]

M.new = "create schema build_1;" .. TABLES:format("build_1", "build_1") .. [[
insert into build_1.users select i, 'new ' || i, 'n' || i || '@x', 20 + i from generate_series(1, 30) as i;
insert into build_1.booking select i, 1 + i % 30, 'open', i from generate_series(1, 60) as i;
]]

local has_roles

function M.psql(sql, as)
  return server.psql(sql, as or M.dsn)
end

function M.failed(sql)
  return select(2, pcall(M.psql, sql))
end

function M.dump()
  return (server.shell(("pg_dump -s -d '%s'"):format(M.dsn)):gsub("\n\\%a+ %w+", ""))
end

local function lines_of(text)
  local lines = {}
  for line in text:gmatch("[^\n]+") do
    lines[#lines + 1] = line
  end
  return lines
end

--- The same text, or the first line that is not.
function M.assert_same_schema(before)
  local old, new = lines_of(before), lines_of(M.dump())
  for i = 1, math.max(#old, #new) do
    if old[i] ~= new[i] then
      local function around(lines)
        return table.concat(lines, "\n", math.max(1, i - 3), math.min(#lines, i + 5))
      end
      assert.are.equal(around(old), around(new))
    end
  end
end

function M.options(more)
  local all = { build = "build_1", target = "public", tables = { "users", "booking" }, lock_wait = 5 }
  for name, value in pairs(more or {}) do
    all[name] = value
  end
  return all
end

--- Publishes as a run does; returns what prepare found.
function M.publish_now(more, as)
  local conn <close> = connection.open { dsn = as or M.dsn }
  local given = M.options(more)
  if given.prepare ~= false then
    given.prepared = publish.prepare(conn, given)
  end
  conn:transaction(function()
    publish.swap(conn, given)
    conn:query("drop schema build_1 cascade")
  end)
  return given.prepared
end

function M.failure(more)
  local ok, problem = pcall(M.publish_now, more)
  assert.is_false(ok)
  return tostring(problem)
end

M.counts = "select (select count(*) from users) || ' ' || (select count(*) from booking)"

--- Sets up and publishes; pg_dump must say the same before and after.
function M.survives(setup, after)
  M.psql(M.old .. setup)
  local before = M.dump()
  M.psql(M.new)
  M.publish_now()
  M.assert_same_schema(before)
  assert.are.equal("30 60", M.psql(M.counts))
  if after then
    after()
  end
end

--- The same, but refused with a message, and nothing has happened.
function M.refused(setup, pattern, new)
  M.psql(M.old .. setup)
  local before = M.dump()
  M.psql(M.new .. (new or ""))
  local message = M.failure()
  assert.matches(pattern, message)
  M.psql("drop schema build_1 cascade")
  M.assert_same_schema(before)
  assert.are.equal("10 20", M.psql(M.counts))
  return message
end

--- A new database, in which nothing is published.
---@return string dsn
function M.new_database()
  M.dsn = server.get():database()
  has_roles = has_roles or M.psql(ROLES)
  return M.dsn
end

return M
