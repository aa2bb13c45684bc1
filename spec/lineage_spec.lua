-- Lineage of columns: of answers what the server made of their SQL, on each server there is; of clean tables by rules.

local column_lineage = require "pghost.catalog.column_lineage"
local connection = require "pghost.connection"
local lineage = require "pghost.run.lineage"
local node_tree = require "pghost.lib.node_tree"
local fixture = require "support.fixture"
local projects = require "support.project"
local server = require "support.server"
local versions = require "support.versions"

local tables <const> = [[
  CREATE TABLE users (rn bigint PRIMARY KEY, "a }) (b" text, company_id bigint, demo boolean);
  CREATE TABLE booking (id bigint, user_id bigint, price numeric, at timestamp);
  CREATE VIEW cheap AS SELECT id, price FROM booking WHERE price < 10;]]

-- What a reader of the SQL says.
local cases <const> = {
  { "SELECT rn, demo AS d FROM users", "d<-users.demo identity; rn<-users.rn identity" },
  { "SELECT upper(\"a }) (b\") AS u, 1 AS one FROM users", "u<-users.a }) (b transformation" },
  { "SELECT rn::text AS t, rn + company_id AS s FROM users",
    "s<-users.company_id transformation; s<-users.rn transformation; t<-users.rn transformation" },
  { "SELECT count(*) AS n, sum(price) FILTER (WHERE id > 0) AS p FROM booking WHERE at IS NOT NULL HAVING max(id) > 1",
    "p<-booking.id aggregation; p<-booking.price aggregation; rows<-booking.at filter; rows<-booking.id filter" },
  { "SELECT b.price FROM booking b LEFT JOIN users u ON u.rn = b.user_id ORDER BY b.at",
    "price<-booking.price identity; rows<-booking.at sort; rows<-booking.user_id join; rows<-users.rn join" },
  { "SELECT x.id FROM booking x JOIN cheap y USING (id)",
    "id<-booking.id identity; rows<-booking.id join; rows<-cheap.id join" },
  { "WITH users AS (SELECT user_id AS rn, max(at) AS last FROM booking GROUP BY 1) SELECT rn, last FROM users",
    "last<-booking.at aggregation; rn<-booking.user_id identity; rows<-booking.user_id group_by" },
  { "SELECT s.p FROM (SELECT price * 2 AS p FROM booking) AS s", "p<-booking.price transformation" },
  { "SELECT id FROM booking UNION ALL SELECT rn FROM users UNION SELECT company_id FROM users",
    "id<-booking.id identity; id<-users.company_id identity; id<-users.rn identity" },
  { "SELECT rn, (SELECT max(price) FROM booking WHERE user_id = rn) AS top FROM users",
    "rn<-users.rn identity; rows<-booking.user_id filter; rows<-users.rn filter; top<-booking.price aggregation" },
  { "SELECT rn FROM users WHERE EXISTS (SELECT 1 FROM booking WHERE user_id = users.rn)",
    "rn<-users.rn identity; rows<-booking.user_id filter; rows<-users.rn filter" },
  { "SELECT DISTINCT demo FROM users", "demo<-users.demo identity; rows<-users.demo group_by" },
  { "SELECT sum(price) OVER (PARTITION BY user_id ORDER BY at) AS run FROM booking",
    "rows<-booking.at window; rows<-booking.user_id window; run<-booking.price aggregation" },
  { "WITH RECURSIVE t (n) AS (SELECT id FROM booking UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT n FROM t",
    "n<-booking.id transformation; rows<-booking.id filter" },
  { "SELECT g.i, u.rn FROM users u, LATERAL generate_series(1, u.company_id) AS g (i)",
    "i<-users.company_id transformation; rn<-users.rn identity" },
  { "SELECT v.x FROM users u, LATERAL (VALUES (u.demo), (true)) AS v (x)", "x<-users.demo transformation" },
  { "SELECT row_to_json(u) AS j FROM (SELECT rn, demo FROM users) AS u",
    "j<-users.demo transformation; j<-users.rn transformation" },
  { "SELECT user_id, count(*) AS n, date_trunc('month', at) AS m FROM booking GROUP BY user_id, m",
    "m<-booking.at transformation; rows<-booking.at group_by; rows<-booking.user_id group_by; "
      .. "user_id<-booking.user_id identity" },
  { "SELECT 1 AS one", "" },
}

local function shown(list)
  local out = {}
  for i, one in ipairs(list) do
    out[i] = ("%s<-%s.%s %s"):format(one.column or "rows", one.table, one.source, one.how)
  end
  table.sort(out)
  return table.concat(out, "; ")
end

local function check_all(conn)
  conn:exec(tables)
  for _, case in ipairs(cases) do
    conn:exec("CREATE VIEW answer AS " .. case[1])
    assert.equal(case[2], shown(assert(lineage.of_view(conn, "answer"), case[1])), case[1])
    conn:exec "DROP VIEW answer"
  end
end

describe("the lineage of a query", function()
  it("is what the server resolved its names to", function()
    local project = projects.new()
    check_all(project.conn)
    project:remove()
  end)

  for _, major in ipairs(versions.majors) do
    it("is so on version " .. major, function()
      local bin, problem = versions.bin(major)
      if not bin then
        pending(problem)
        return
      end
      local own <close> = server.start(nil, bin)
      local conn <close> = connection.open { dsn = own:database() }
      check_all(conn)
    end)
  end

  it("is left out where the tree is none that is known", function()
    for _, text in ipairs { "", "(", "({QUERY :a", "({QUERY a b})", "{X :y 1} {Z}", ")" } do
      assert.is_false(pcall(node_tree.parse, text), text)
      assert.is_false(pcall(column_lineage.of, text), text)
    end
    assert.same({ node = "C", a = "x y", b = "4", l = { list = true, "i", "1" } },
      node_tree.parse "{C :a x\\ y :b 4 [ 1 0 ] :n <> :l (i 1)}")
  end)
end)

describe("the lineage of a run", function()
  local project

  fixture.once(function(keep)
    project = keep(projects.new { ["item.csv"] = "id,a,b,c\n1,x,y,z\n", ["pipeline.lua"] = [[
      local r = require "pghost.rules"
      local run <close> = require("pghost.pipeline").start("shop", { data = ".", schema = "shop" })
      run:load("item", "item.csv", r.table("item", { { "id", r.bigint() }, { "a", r.text() }, { "b", r.text():trim() },
        { "c", r.text() } }, { key = "id", row = { r.filter("c", "=", "q"),
          r.set("b", { "a", "b" }, function(_, b) return b end) } }))
      run:analyse("sql")
      run:publish()]] })
    os.execute("mkdir " .. project.folder .. "/sql")
    project:write("sql/names.sql", "SELECT a AS name, count(*) AS n FROM item GROUP BY a")
    local err, code = project:run "pipeline.lua"
    assert.equal(0, code, err)
  end)

  it("goes from files over raw and clean tables to answers, in the schema they are published in", function()
    assert.equal([[item|a|table|shop|item_raw|a|identity
item|b|table|shop|item_raw|a|transformation
item|b|table|shop|item_raw|b|transformation
item|c|table|shop|item_raw|c|identity
item|id|table|shop|item_raw|id|transformation
item||table|shop|item_raw|c|filter
item||table|shop|item_raw|id|group_by
item_raw||file||item.csv||identity
names|name|table|shop|item|a|identity
names||table|shop|item|a|group_by]], project:ask [[
      SELECT table_name, column_name, source_kind, source_schema, source_name, source_column, how
      FROM pghost.v_lineage ORDER BY 1, 2 NULLS LAST, 5, 6]])
  end)

  it("is shown by pghost runs, without what everybody knows", function()
    local out = project:pghost("runs", "1")
    assert.matches("\nlineage\n item\n   b: transformation item_raw.a, item_raw.b\n   rows: filter item_raw.c\n"
      .. "   rows: group_by item_raw.id\n names\n   name: identity item.a\n   rows: group_by item.a\n$", out)
    assert.matches('"lineage":[{"table":"item","column":"a","from":"item_raw.a","how":"identity"},',
      (project:pghost("runs", "1", "--json")), 1, true)
  end)
end)
