-- Changes into a big table: pghost's modes against the SQL that one writes by hand for each.
--
-- By hand is COPY into a temporary table and the statements; pghost also keeps the raw records, the ledger of files and
-- the history of runs. Both tables are of the same records; each round has changes of its own. `delete` is a merge of a
-- file with all records, whose missing keys are deleted.

local clock = require "measure.clock"
local rounds = require "measure.rounds"

local M = {}

local columns = "id, user_id, starts_at, price, status, note"

local definition = [[id bigint, user_id bigint, starts_at timestamp, price numeric(10, 2), status text, note text]]

local generated = [[i as id, i %% 1000 as user_id, timestamp '2024-01-01' + i * interval '1 second' as starts_at,
  (i %% 100000) / 100.0 as price, 'status ' || i %% 7 as status, 'note of record ' || i || %s as note]]

-- A published table as the first load of a mode leaves it, and one for the SQL by hand.
local function create(options, name, mode)
  local history = mode == "history" and ", _valid_from timestamptz NOT NULL DEFAULT '2024-01-01', _valid_to timestamptz"
    or ""
  local key = mode == "history" and "id, _valid_from" or "id"
  local sql = {}
  for _, table_name in ipairs { name, name .. "_hand" } do
    sql[#sql + 1] = ("drop table if exists %s; create table %s (%s%s); insert into %s (%s) select %s "
      .. "from generate_series(1, %d) as i; alter table %s add primary key (%s); vacuum analyze %s;"):format(table_name,
      table_name, definition, history, table_name, columns, generated:format("''"), options.records, table_name, key,
      table_name)
  end
  sql[#sql + 1] = ("drop table if exists %s_raw; create table %s_raw (%s, _file_id bigint, _line bigint, _loaded_at "
    .. "timestamptz);"):format(name, name, (columns:gsub("[%w_]+", "%0 text")))
  for _, statement in ipairs(sql) do
    options.server:psql((statement:gsub(";%s*", ";\n")))
  end
end

-- All records of the table as a file, `count` of them changed; a tenth as many are left out, others in each round.
local function write_snapshot(options, path, count, round)
  local step = options.records // count
  options.server:psql(([[\copy (select id, user_id, starts_at, price, status,
    case when id %% %d = %d then note || ' of round %d' else note end as note
    from (select %s from generate_series(1, %d) as i where i %% %d <> %d) as c) to '%s' csv header]])
    :gsub("\n%s*", " "):format(step, round % step, round, generated:gsub("\n%s*", " "):format("''"), options.records,
    10 * step, round % (10 * step), path))
end

-- A file of `count` records, every so many of the table, a tenth of them new ones; all of them to append.
local function write_changes(options, mode, path, count, round)
  if mode == "delete" then
    return write_snapshot(options, path, count, round)
  end
  round = round + 10 * #tostring(count) -- no two rounds of a table have the same new keys
  options.server:psql(([[\copy (select %s from (select case when n %% %d = 0
    then %d + n + %d * %d::bigint else n * %d end::bigint as i
    from generate_series(1, %d) as n) as c) to '%s' csv header]]):gsub("\n%s*", " "):format(
    generated:gsub("\n%s*", " "):format("' of " .. round .. "'"), mode == "append" and 1 or 10, options.records,
    round, count, options.records // count, count, path))
end

local by_hand = {
  append = [[insert into %s select * from change as n where not exists (select 1 from %s as p where p.id = n.id);]],
  merge = [[insert into %s select * from change on conflict (id) do update set user_id = excluded.user_id,
    starts_at = excluded.starts_at, price = excluded.price, status = excluded.status, note = excluded.note;]],
  delete = [[delete from %s as p where not exists (select 1 from change as n where n.id = p.id);
    insert into %s as p select * from change on conflict (id) do update set user_id = excluded.user_id,
    starts_at = excluded.starts_at, price = excluded.price, status = excluded.status, note = excluded.note
    where (p.user_id, p.starts_at, p.price, p.status, p.note) is distinct from (excluded.user_id, excluded.starts_at,
      excluded.price, excluded.status, excluded.note);]],
  history = [[update %s as p set _valid_to = clock_timestamp() from change as n
    where p.id = n.id and p._valid_to is null and (p.user_id, p.starts_at, p.price, p.status, p.note)
        is distinct from (n.user_id, n.starts_at, n.price, n.status, n.note);
    insert into %s select n.*, clock_timestamp() from change as n
    where not exists (select 1 from %s as p where p.id = n.id and p._valid_to is null);]],
}

local function hand_script(options, name, mode, path)
  local script = ("%s/%s_hand.sql"):format(options.cache, name)
  local file <close> = assert(io.open(script, "w"))
  local target = name .. "_hand"
  file:write(("begin;\ncreate temporary table change (%s) on commit drop;\n\\copy change from '%s' csv header\n"
    .. "analyze change;\n%s\ncommit;\n"):format(definition, path, (by_hand[mode]:gsub("%%s", target))))
  return ("psql -X -q -v ON_ERROR_STOP=1 -d '%s' -f %s"):format(options.dsn, script)
end

local function measure(options, mode, count)
  local name = "bench_" .. mode
  local path = ("%s/changes_%s_%d.csv"):format(clock.shell("realpath " .. options.cache), mode, count)
  local hand = ("%s by hand, %d"):format(mode, count)
  local works = {
    {
      name = hand,
      prepare = function(round)
        write_changes(options, mode, path, count, round)
      end,
      command = hand_script(options, name, mode, path),
      rows = count,
    },
    {
      name = ("pghost %s, %d"):format(mode, count),
      command = ("%s bench/merge.lua --dsn '%s' --table %s %s %s"):format(options.binary, options.dsn, name,
        mode == "delete" and "--mode merge --missing delete" or "--mode " .. mode, path),
      per = { hand },
      rows = count,
    },
  }
  rounds.run(works, options.rounds, options.server)
  rounds.print(("%s: %d changes into %d records"):format(mode, count, options.records), works)
end

---@param options table of bench/run.lua
function M.run(options)
  clock.shell("mkdir -p " .. options.cache)
  for _, mode in ipairs { "merge", "history", "append", "delete" } do
    create(options, "bench_" .. mode, mode)
    for _, share in ipairs { 1000, 100, 10 } do
      measure(options, mode, options.records // share)
    end
  end
end

return M
