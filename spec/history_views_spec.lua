-- The views of the schema pghost: names and columns as docs/HISTORY.md has them, figures as the tables have them, and
-- nothing but a grant on them to read them.

local connection = require "pghost.connection"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local projects = require "support.project"

local script = [[
  local pipeline = require "pghost.pipeline"
  local r = require "pghost.rules"
  local check = require "pghost.check"
  local run <close> = pipeline.start("shop", { data = ".", parameters = { most = 100 } })
  run:load("item", "item_*.csv", r.table("item", { { "id", r.bigint():trim():required() }, { "name", r.text() } },
    { key = "id" }))
  run:check { check.holds("item", "id < 5", { severity = "warn", owner = "ann", tags = { "a", "b" } }),
    check.range("item.id", 0, run.settings.parameters.most) }
  run:analyse("sql")
  run:publish()
]]

local project

local function one(sql)
  return project.conn:query(sql)[1]
end

fixture.once(function(keep)
  project = keep(projects.new { ["pipeline.lua"] = script, ["item_1.csv"] = "id,name\n1,a\n 2 ,b\nx,c\n1,d\n",
    ["item_2.csv"] = "id,name\n7,e\n8,f,g\n", ["sql/names.sql"] = nil })
  os.execute("mkdir " .. project.folder .. "/sql")
  project:write("sql/names.sql", "SELECT name, count(*) AS n FROM item GROUP BY name")
  for _, most in ipairs { 100, 5, 100 } do
    project:run("pipeline.lua", { "--most", tostring(most) })
  end
end)

describe("the views of the history", function()
  it("are those of docs/HISTORY.md, column by column", function()
    local page = pghost.read(pghost.root .. "/docs/HISTORY.md")
    local documented = {}
    for name, columns in page:gsub("\n  ", " "):gmatch "%- `(v_[%w_]+)`, a row a [%w ,]+: ([%w_, ]+)\n" do
      documented[#documented + 1] = name .. ": " .. columns
    end
    table.sort(documented)
    assert.equal(table.concat(documented, "\n"), project:ask [[
      SELECT c.relname || ': ' || string_agg(a.attname, ', ' ORDER BY a.attnum)
      FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
      WHERE c.relnamespace = 'pghost'::regnamespace AND c.relkind = 'v' GROUP BY c.relname ORDER BY c.relname]])
  end)

  it("answer the questions of docs/HISTORY.md", function()
    local count = 0
    for sql in pghost.read(pghost.root .. "/docs/HISTORY.md"):gmatch("```sql\n(SELECT.-)```") do
      project.conn:query((sql:gsub(";%s*$", "")))
      count = count + 1
    end
    assert.is_true(count >= 4)
  end)

  it("sum up runs, with what they took", function()
    local row = one "SELECT * FROM pghost.v_runs WHERE run_id = 1"
    assert.same({ "shop", "public", "published", false, false, 2, 6, 3, 2, 1, 0 }, { row.pipeline, row.target_schema,
      row.state, row.gone, row.dry_run, row.files, row.records, row.loaded, row.rejected, row.duplicates, row.waived })
    assert.equal("4|0|1|0", project:ask [[SELECT checks, checks_failed, checks_warned, checks_vacuous
      FROM pghost.v_runs WHERE run_id = 3]])
    assert.equal("failed|1|check|{}", project:ask [[SELECT state, checks_failed, error_code, published_tables
      FROM pghost.v_runs WHERE run_id = 2]])
    assert.equal("t|t|t", project:ask [[
      SELECT seconds > 0 AND seconds < 60, abs(records_per_second * seconds - 6) < 1e-6,
      bytes = (SELECT sum(size) FROM pghost.files WHERE run_id = 1) FROM pghost.v_runs WHERE run_id = 1]])
  end)

  it("tell which run a published table is of", function()
    assert.equal([[1|item|clean|6|3|t|f
1|names|answer||3|t|f
2|item|clean|6|3|f|f
3|item|clean|6|3|t|t
3|names|answer||3|t|t]], project:ask [[SELECT run_id, table_name, kind, records, coalesce(rows, loaded), published,
      is_current FROM pghost.v_tables ORDER BY 1, 2]])
    assert.equal("t|1|3", project:ask [[SELECT seconds > 0 AND records_per_second > 0, cells_cleaned, checks
      FROM pghost.v_tables WHERE run_id = 3 AND kind = 'clean']])
  end)

  it("have the outcome of checks, the passed ones too", function()
    assert.equal([[item is not empty|passed|0|
item: id < 5|warned|1|ann
item.id is between 0 and 5|failed|1|]], project:ask [[SELECT name, outcome, violations, owner FROM pghost.v_checks
      WHERE run_id = 2 AND table_name = 'item' ORDER BY check_id]])
    assert.equal("3|0.33", project:ask [[SELECT rows_checked, round(violation_share::numeric, 2) FROM pghost.v_checks
      WHERE run_id = 1 AND outcome = 'warned']])
  end)

  it("have rejects with their text, and counted", function()
    assert.equal([[item_1.csv|4|id|x,c|open
item_1.csv|5|id|1,d|open
item_2.csv|3||8,f,g|open]], project:ask [[SELECT file_name, line, column_name, original_text, state
      FROM pghost.v_rejects WHERE run_id = 1 ORDER BY file_name, line]])
    assert.equal("fields|1|1|0.17\nkey|1|1|0.17\ntype|1|1|0.17", project:ask [[SELECT rule, rejects, open,
      round(share::numeric, 2) FROM pghost.v_reject_rules WHERE run_id = 1 ORDER BY rule]])
    assert.equal("id|trim|1|0.17", project:ask [[SELECT column_name, rule, cells, round(share::numeric, 2)
      FROM pghost.v_cleaning WHERE run_id = 1]])
  end)

  it("have steps in their order, and files with their lines", function()
    assert.equal("1|load|item|done|6\n2|check|public|failed|", project:ask [[SELECT place, kind, name, state, records
      FROM pghost.v_steps WHERE run_id = 2 ORDER BY place]])
    assert.equal("item_1.csv|5|4|2|t\nitem_2.csv|3|2|1|t", project:ask [[SELECT name, lines, records, loaded,
      published_at IS NOT NULL FROM pghost.v_files WHERE run_id = 1 ORDER BY name]])
  end)

  it("need only what docs/HISTORY.md grants", function()
    local role = "bi" .. project.dsn:match "dbname=(%S+)"
    project.conn:exec("CREATE ROLE " .. role .. " LOGIN")
    local grants = pghost.read(pghost.root .. "/docs/HISTORY.md"):match "```sql\n(GRANT.-)```"
    project.conn:exec((grants:gsub("TO bi", "TO " .. role)))
    do
      local conn <close> = connection.open { dsn = (project.dsn:gsub("user=postgres", "user=" .. role)) }
      assert.equal(3, #conn:query "SELECT 1 FROM pghost.v_runs")
      assert.error_matches(function()
        conn:query "SELECT 1 FROM pghost.v_rejects"
      end, "permission denied")
    end
    project.conn:exec(("DROP OWNED BY %s; DROP ROLE %s"):format(role, role))
  end)
end)
