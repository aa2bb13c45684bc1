-- What users gave a published table stays when a fix or a replay publishes it, whether it is added to or rebuilt.

local projects = require "support.project"

local script = [[
  local pipeline = require "pghost.pipeline"
  local r = require "pghost.rules"
  local run <close> = pipeline.start("shop", { data = ".", schema = "public" })
  run:load("item", "item.csv", r.table("item", { { "id", r.bigint() }, { "price", r.numeric()%s } }, { key = "id" }))
  run:publish()
]]

local facts = [[
  SELECT pg_get_userbyid(c.relowner), c.relacl, obj_description(c.oid, 'pg_class') AS said, col_description(c.oid, 2),
    c.relrowsecurity, c.relforcerowsecurity, c.reloptions,
    (SELECT string_agg(concat_ws(' ', polname, polcmd, polroles::regrole[], pg_get_expr(polqual, polrelid)), ';'
      ORDER BY polname) FROM pg_policy WHERE polrelid = c.oid) AS policies,
    (SELECT string_agg(pg_get_indexdef(indexrelid), ';' ORDER BY indexrelid::regclass::text) FROM pg_index
      WHERE indrelid = c.oid) AS indexes,
    (SELECT string_agg(pg_get_constraintdef(oid), ';' ORDER BY conname) FROM pg_constraint WHERE conrelid = c.oid)
      AS constraints, (SELECT attacl FROM pg_attribute WHERE attrelid = c.oid AND attname = 'price') AS acl
  FROM pg_class AS c WHERE c.oid = 'public.item'::regclass]]

describe("a table that a fix or a replay publishes", function()
  local here

  before_each(function()
    here = projects.new { ["item.csv"] = "id,price\n1,1\n2,x\n3,y\n", ["shop.lua"] = script:format "" }
  end)

  after_each(function()
    here.conn:exec "DROP SCHEMA public CASCADE; DROP ROLE IF EXISTS fix_reader"
    here:remove()
  end)

  for _, kind in ipairs { "added to", "rebuilt" } do
    for _, way in ipairs { "fix", "replay" } do
      it(("and is %s by a %s keeps owner, grants, comments, policies, indexes and constraints"):format(kind, way),
        function()
          here:must(0, "shop.lua")
          here.conn:exec [[
            CREATE ROLE fix_reader;
            COMMENT ON TABLE item IS 'what we sell'; COMMENT ON COLUMN item.price IS 'in euro';
            GRANT SELECT ON item TO fix_reader; GRANT UPDATE (price) ON item TO fix_reader WITH GRANT OPTION;
            CREATE POLICY cheap ON item FOR SELECT TO fix_reader USING (price < 100);
            ALTER TABLE item ENABLE ROW LEVEL SECURITY;
            ALTER TABLE item SET (fillfactor = 70);
            CREATE INDEX item_price ON item (price) WHERE price > 0;
            ALTER TABLE item ADD CONSTRAINT fair CHECK (price < 1000)]]
          if kind == "rebuilt" then
            here.conn:exec "CREATE MATERIALIZED VIEW dear AS SELECT * FROM item; GRANT SELECT ON dear TO fix_reader"
          end
          local before = here:ask(facts)
          if way == "fix" then
            here:must(0, "rejects", "--csv", "bad.csv")
            here:write("bad.csv", (here:read("bad.csv"):gsub("2,x", "2,2")))
            here:must(0, "fix", "bad.csv")
          else
            here:write("shop.lua", script:format ':null_if("x")')
            here:must(0, "replay", "1")
          end
          assert.equal(before, here:ask(facts))
          assert.equal("1,2", here:ask "SELECT string_agg(id::text, ',' ORDER BY id) FROM item") -- 3,y does not pass
          if kind == "rebuilt" then
            assert.equal("1,2|t", here:ask [[SELECT string_agg(id::text, ',' ORDER BY id),
              has_table_privilege('fix_reader', 'dear', 'SELECT') FROM dear]])
          end
        end)
    end
  end
end)
