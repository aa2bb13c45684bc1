-- pghost profile, held against Python's statistics for files and against the server's aggregates for tables.

local cjson = require "cjson"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local project = require "support.project"

local oracle <const> = [[
import csv, json, statistics, sys
rows = list(csv.DictReader(open(sys.argv[1], newline="", encoding="utf-8")))
out = {}
for name in rows[0]:
    texts = [r[name] for r in rows if r[name] != ""]
    one = {"count": len(rows), "nulls": len(rows) - len(texts), "distinct": len(set(texts))}
    if name in ("id", "price"):
        values = sorted(float(t) for t in texts)
        one.update(mean=statistics.fmean(values), stddev=statistics.stdev(values), least=values[0], most=values[-1],
                   median=values[-(-len(values) // 2) - 1])
    else:
        one.update(least=min(texts), most=max(texts), shortest=min(map(len, texts)), longest=max(map(len, texts)),
                   frequent={t: texts.count(t) for t in set(texts)})
    out[name] = one
print(json.dumps(out))
]]

local function records(count)
  local list = { "id,name,price,day" }
  for i = 1, count do
    list[#list + 1] = ("%d,%s,%s,2024-%02d-%02d"):format(i, ({ "größe", "b", "", "日本語" })[i % 4 + 1],
      i % 6 == 0 and "" or ("%.2f"):format(i * 37 % 1000 / 8), i % 12 + 1, i % 28 + 1)
  end
  return table.concat(list, "\n") .. "\n"
end

describe("pghost profile", function()
  local p

  fixture.once(function(keep)
    p = keep(project.new { ["a.csv"] = records(3000), ["oracle.py"] = oracle })
  end)

  local function columns_of(...)
    local out, err, code = p:pghost("profile", ...)
    assert.equal(0, code, err)
    local by_name, list = {}, {}
    for line in out:gmatch "[^\n]+" do
      local column = cjson.decode(line)
      by_name[column.name], list[#list + 1] = column, column.name
    end
    return by_name, err, list
  end

  it("finds in a file what Python's statistics find", function()
    local found = columns_of(p.folder .. "/a.csv", "--json")
    local expected = cjson.decode((pghost.shell(("python3 %s/oracle.py %s/a.csv"):format(p.folder, p.folder))))
    for name, one in pairs(expected) do
      local column = found[name]
      assert.same({ one.count, one.nulls, one.distinct }, { column.count, column.nulls, column.distinct }, name)
      if one.mean then
        assert.near(one.mean, column.mean, 1e-9)
        assert.near(one.stddev, column.stddev, 1e-9)
        assert.same({ one.least, one.most }, { tonumber(column.min), tonumber(column.max) })
        assert.equal(one.median, column.quantiles[4].number)
      else
        assert.same({ one.least, one.most }, { column.min, column.max })
      end
    end
    assert.same({ min = expected.name.shortest, max = expected.name.longest },
      { min = found.name.length.min, max = found.name.length.max })
    for _, value in ipairs(found.name.values) do
      assert.equal(expected.name.frequent[value.value], value.count)
    end
    assert.equal("date", found.day.type)
  end)

  it("finds in a table what the server's aggregates find", function()
    p.conn:exec [[CREATE TABLE item AS SELECT g AS id, g % 17 AS kind, g / 3.0 AS price, 'n' || g % 5 AS name,
      timestamp '2024-01-01' + g * interval '1 hour' AS seen, g % 3 = 0 AS open FROM generate_series(1, 20000) AS g]]
    local real = p.conn:query([[SELECT avg(id)::float8 AS mean, stddev_samp(price)::float8 AS sd,
      min(seen)::text AS least,
      max(seen)::text AS most, count(DISTINCT kind) AS kinds FROM item]])[1]
    for _, what in ipairs { "item", "SELECT * FROM item", "public.item" } do
      local found = columns_of(what, "--json")
      assert.equal(20000, found.id.count)
      assert.equal(real.mean, found.id.mean)
      assert.near(real.sd, found.price.stddev, 1e-6)
      assert.same({ real.least, real.most, real.kinds }, { found.seen.min, found.seen.max, found.kind.distinct })
      assert.same({ { value = "false", count = 13334 }, { value = "true", count = 6666 } }, found.open.values)
    end
  end)

  it("reads what loads read: compressed, several files, standard input", function()
    pghost.shell(("cd %s && gzip -k a.csv && cp a.csv.gz b.csv.gz && python3 -m zipfile -c c.zip a.csv")
      :format(p.folder))
    local found = columns_of(p.folder .. "/*.csv.gz", "--json")
    assert.equal(6000, found.id.count)
    assert.near(3000, found.id.distinct, 100)
    assert.equal(3000, columns_of(p.folder .. "/c.zip", "--json").id.count)
    local out, err = pghost.shell(("%s profile - --json < %s/a.csv"):format(pghost.path, p.folder))
    assert.equal(4, select(2, out:gsub("\n", "")))
    assert.truthy(err:find("can be read only once: its columns are text", 1, true))
  end)

  it("takes the columns that are asked for, in that order", function()
    local _, _, list = columns_of(p.folder .. "/a.csv", "--json", "--columns", "price,id")
    assert.same({ "price", "id" }, list)
    local _, err, code = p:pghost("profile", p.folder .. "/a.csv", "--columns", "prise")
    assert.equal(1, code)
    assert.truthy(err:find("no column 'prise'", 1, true))
  end)

  it("counts and tells records that it cannot read, and values that are not of their column's type", function()
    local text = records(200000):gsub("\n190000,", "\n190000x,"):gsub("\n190001,[^\n]*", "\n190001,b")
    local path = p:write("bad.csv", text)
    local found, err = columns_of(path, "--json", "--sample", "1000000")
    assert.equal(199999, found.id.count)
    assert.is_truthy(err:find("1 record could not be read and is not in any column:\n"
      .. "  bad.csv:190002: too few fields: 2 of 4", 1, true))
    assert.same({ "bigint", 1, 0, "190000x" },
      { found.id.type, found.id.broken.count, found.id.nulls, found.id.broken.samples[1].before })
  end)

  it("shows it at 80 columns, with bars", function()
    local out, _, code = pghost.shell(("COLUMNS=80 %s profile -q %s/a.csv"):format(pghost.path, p.folder))
    assert.equal(0, code)
    assert.truthy(out:find("id  bigint\n  values     no nulls, 3,000 distinct\n", 1, true))
    assert.truthy(out:find("  frequent   'b' 33.3 %, 'größe' 33.3 %, '日本語' 33.3 %", 1, true))
    assert.truthy(out:find "histogram  [▁▂▃▄▅▆▇█]+")
  end)

  it("says what it does not know", function()
    local _, err, code = p:pghost("profile", "nosuch")
    assert.same({ 1, "pghost: 'nosuch' is neither a file nor a table: give a path, the name of a table, or a SELECT\n" }
      , { code, err })
    _, err, code = p:pghost("profile", "SELECT nosuch")
    assert.equal(1, code)
    assert.truthy(err:find('column "nosuch" does not exist', 1, true))
    _, err, code = p:pghost("profile", "a.csv", "--colums", "id")
    assert.equal(2, code)
    assert.truthy(err:find("did you mean", 1, true))
  end)

  it("changes nothing", function()
    local _, err, code = p:pghost("profile", "WITH gone AS (DELETE FROM item RETURNING 1) SELECT * FROM gone")
    assert.equal(1, code)
    assert.truthy(err:find("pghost: ", 1, true))
    assert.equal(20000, p.conn:query("SELECT count(*) AS n FROM item")[1].n)
  end)
end)
