-- Random files into partitioned tables, in every mode and by everything: the records are those of a model in plain SQL
-- over COPY, and each is in the partition that its value says.

local modes = require "support.modes"
local r = require "pghost.rules"
local world = modes.world()
local write, ask, _, load = world:functions()

local rules = r.table("item", { { "id", r.bigint():required() }, { "day", r.date():required() },
  { "country", r.text():required() }, { "v", r.text() } }, { key = { "id", "day", "country" } })

local countries = { "de", "DE", "at", "it's", 'q"uote', "ä", "a b" }

-- The group of a record, as SQL: what has one partition. nil: hash.
local groups = {
  day = "day::text", week = "date_trunc('week', day::timestamp)::text", month = "to_char(day, 'YYYY-MM')",
  year = "to_char(day, 'YYYY')", list = "country",
}

-- What the model does with the records of a file, in `new`, one for each key.
local model = {
  replace = "DELETE FROM model; INSERT INTO model SELECT * FROM first_of_key",
  append = "INSERT INTO model SELECT * FROM first_of_key ON CONFLICT DO NOTHING",
  merge = "INSERT INTO model SELECT * FROM last_of_key ON CONFLICT (id, day, country) DO UPDATE SET v = excluded.v",
  partitions = [[DELETE FROM model WHERE GROUP IN (SELECT GROUP FROM given);
    INSERT INTO model SELECT * FROM first_of_key]],
}

local function random_file(name, random)
  local lines = { "id,day,country,v" }
  for i = 1, 40 do
    lines[i + 1] = ('%d,%s,"%s",%d'):format(random(30), os.date("!%Y-%m-%d", 1735689600 + 86400 * 13 * random(60)),
      countries[random(#countries)]:gsub('"', '""'), random(1000))
  end
  write(name, table.concat(lines, "\n") .. "\n")
end

local function compare(by, count)
  assert.equal(ask "SELECT * FROM model ORDER BY 1, 2, 3", ask "SELECT * FROM item ORDER BY 1, 2, 3")
  if by == "hash" then
    assert.equal(tostring(count), ask "SELECT count(*) FROM pg_inherits WHERE inhparent = 'item'::regclass")
    return
  end
  -- One partition for each group, one group in each partition.
  assert.equal("0", ask(("SELECT count(*) FROM (SELECT %s AS g FROM item GROUP BY 1 HAVING count(DISTINCT tableoid) > "
    .. "1) AS x"):format(groups[by])))
  assert.equal("0", ask(("SELECT count(*) FROM (SELECT FROM item GROUP BY tableoid HAVING count(DISTINCT %s) > 1) AS x")
    :format(groups[by])))
end

describe("a partitioned table like its model", function()
  world:use(setup, teardown, before_each, after_each)

  before_each(function()
    os.execute("chmod 755 " .. world.folder)
    world.db:exec [[
      CREATE TABLE model (id bigint, day date, country text, v text, PRIMARY KEY (id, day, country));
      CREATE TABLE given (line bigint GENERATED ALWAYS AS IDENTITY, id bigint, day date, country text, v text);
      CREATE VIEW first_of_key AS SELECT DISTINCT ON (id, day, country) id, day, country, v FROM given
        ORDER BY id, day, country, line;
      CREATE VIEW last_of_key AS SELECT DISTINCT ON (id, day, country) id, day, country, v FROM given
        ORDER BY id, day, country, line DESC]]
  end)

  local state = 20261128 -- the same files each time
  local function random(most)
    state = (state * 1103515245 + 12345) % 2147483648
    return state // 65536 % most + 1
  end

  for _, by in ipairs { "day", "week", "month", "year", "list", "hash" } do
    for _, mode in ipairs { "replace", "append", "merge", "partitions" } do
      if not (by == "hash" and mode == "partitions") then
        it(("by %s, mode %s"):format(by, mode), function()
          local partition = { by = by, column = by == "list" and "country" or by == "hash" and "id" or "day",
            count = by == "hash" and 3 or nil }
          for i = 1, 2 do
            local name = ("%d.csv"):format(i)
            random_file(name, random)
            world.db:exec "TRUNCATE given RESTART IDENTITY"
            world.db:exec(("COPY given (id, day, country, v) FROM '%s/%s' (FORMAT csv, HEADER)"):format(world.folder,
              name))
            world.db:exec((model[mode]:gsub("GROUP", groups[by] or "")))
            load(name, { mode = mode, partition = partition, max_rejects = "100%" }, rules)
            compare(by, 3)
          end
        end)
      end
    end
  end
end)
