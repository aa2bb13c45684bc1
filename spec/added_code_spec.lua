-- Tables that a run adds to: whatever somebody else has hung on them does not run with the rights of the run's role, a
-- superuser here. `owned` holds who ran it.

local projects = require "support.project"
local server = require "support.server"

local script = [[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local run <close> = pipeline.start("shop", { data = ".", schema = "public", retries = 0 })
run:load("item", os.getenv("FILES"), r.table("item", { { "id", r.bigint():required() }, { "name", r.text() } },
  { key = "id" }), { mode = "%s" })
run:publish()
]]

local payload = [[
  CREATE TABLE owned (who text);
  GRANT ALL ON owned TO public;
  CREATE SCHEMA evil AUTHORIZATION added_mallory;
  SET ROLE added_mallory;
  GRANT USAGE ON SCHEMA evil TO public;
  CREATE FUNCTION evil.fire() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO public.owned VALUES (current_user); RETURN NEW; END';
  CREATE FUNCTION evil.lent() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
    'BEGIN INSERT INTO public.owned VALUES (current_user); RETURN NEW; END';
  CREATE FUNCTION evil.note(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS
    'BEGIN INSERT INTO public.owned VALUES (current_user); RETURN $1; END';
  CREATE FUNCTION evil.small(bigint) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS
    'BEGIN INSERT INTO public.owned VALUES (current_user); RETURN true; END';
  CREATE DOMAIN evil.number AS bigint CHECK (VALUE IS NULL OR evil.small(VALUE));
  CREATE FUNCTION evil.holds(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS
    'BEGIN INSERT INTO public.owned VALUES (current_user); RETURN true; END';
  RESET ROLE;]]

-- What is hung on the table by whom, and what the refusal names.
local attacks = {
  ["a trigger by one who has TRIGGER"] = { [[GRANT TRIGGER ON item TO added_mallory; SET ROLE added_mallory;
    CREATE TRIGGER x BEFORE INSERT OR UPDATE ON public.item FOR EACH ROW EXECUTE FUNCTION evil.fire(); RESET ROLE]],
    "trigger 'x' of 'public.item' uses function evil.fire", { "append", "merge", "history" } },
  ["a trigger of the statement"] = { [[CREATE TRIGGER x AFTER INSERT OR UPDATE ON item
    EXECUTE FUNCTION evil.fire()]], "trigger 'x' of 'public.item' uses function evil.fire" },
  ["the condition of a trigger"] = { [[CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN RETURN NEW; END'; CREATE TRIGGER x BEFORE INSERT OR UPDATE ON item FOR EACH ROW
    WHEN (evil.holds(NEW.name)) EXECUTE FUNCTION quiet()]], "trigger 'x' of 'public.item' uses function evil.holds" },
  ["a trigger on the raw table"] = { [[CREATE TRIGGER x BEFORE INSERT ON item_raw FOR EACH ROW
    EXECUTE FUNCTION evil.fire()]], "trigger 'x' of 'public.item_raw' uses function evil.fire" },
  ["a rule"] = { "CREATE RULE x AS ON INSERT TO item DO ALSO SELECT evil.note('x')",
    "rule 'x' of 'public.item' uses function evil.note" },
  ["a CHECK"] = { "ALTER TABLE item ADD CONSTRAINT x CHECK (evil.holds(name)) NOT VALID",
    "constraint 'x' of 'public.item' uses function evil.holds" },
  ["a default"] = { "ALTER TABLE item ADD more text; ALTER TABLE item ALTER more SET DEFAULT evil.note('x')",
    "default of column 'more' of 'public.item' uses function evil.note" },
  ["a domain of a column"] = { "ALTER TABLE item ADD more evil.number",
    "column 'more' of 'public.item' uses function evil.small" },
  ["a domain in a CHECK"] = { "ALTER TABLE item ADD CONSTRAINT x CHECK (id::evil.number IS NOT NULL) NOT VALID",
    "constraint 'x' of 'public.item' uses function evil.small" },
  ["a cast in a CHECK"] = { [[SET ROLE added_mallory; CREATE TYPE evil.box AS (a text);
    CREATE FUNCTION evil.box(text) RETURNS evil.box IMMUTABLE LANGUAGE plpgsql AS
      'BEGIN INSERT INTO public.owned VALUES (current_user); RETURN ROW($1); END'; RESET ROLE;
    CREATE CAST (text AS evil.box) WITH FUNCTION evil.box(text);
    ALTER TABLE item ADD CONSTRAINT x CHECK ((name::evil.box) IS NOT NULL) NOT VALID]],
    "constraint 'x' of 'public.item' uses function evil.box" },
  ["an index"] = { "CREATE INDEX x ON item (evil.note(name)) WHERE id < 0",
    "index 'x' of 'public.item' uses function evil.note" },
}

describe("a run that adds to a table", function()
  local project

  setup(function()
    server.get():psql "CREATE ROLE added_mallory LOGIN"
  end)

  before_each(function()
    project = projects.new { ["item_1.csv"] = "id,name\n1,a\n", ["item_2.csv"] = "id,name\n1,b\n2,c\n" }
    project.conn:exec(payload)
  end)

  after_each(function()
    project.conn:exec "DROP OWNED BY added_mallory CASCADE"
    project:remove()
  end)

  teardown(function()
    server.get():psql "DROP ROLE added_mallory"
  end)

  local function run(mode, files)
    project:write("shop.lua", (script:format(mode):gsub("os.getenv%(\"FILES\"%)", ("%q"):format(files))))
    return project:run "shop.lua"
  end

  local function table_text()
    return project:ask "SELECT string_agg(id || name, ',' ORDER BY id, name) FROM item"
  end

  for what, attack in pairs(attacks) do
    for _, mode in ipairs(attack[3] or { "merge" }) do
      it(("does not run %s, mode %s"):format(what, mode), function()
        assert.equal(0, select(2, run(mode, "item_1.csv")))
        project.conn:exec(attack[1])
        project.conn:exec "TRUNCATE owned"
        local err, code = run(mode, "item_2.csv")
        assert.equal(1, code, err)
        assert.truthy(err:find(attack[2], 1, true), err)
        assert.truthy(err:find("which belongs to 'added_mallory' and would run with the rights of 'postgres'", 1, true))
        assert.equal("0", project:ask "SELECT count(*) FROM owned")
        assert.equal("1a", table_text())
      end)
    end
  end

  it("runs what belongs to its role, and functions that run as their owner", function()
    run("merge", "item_1.csv")
    project.conn:exec [[CREATE FUNCTION mine() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN NEW.name := NEW.name || ''!''; RETURN NEW; END';
      CREATE TRIGGER mine BEFORE INSERT OR UPDATE ON item FOR EACH ROW EXECUTE FUNCTION mine();
      CREATE TRIGGER lent BEFORE INSERT OR UPDATE ON item FOR EACH ROW EXECUTE FUNCTION evil.lent()]]
    local err, code = run("merge", "item_2.csv")
    assert.equal(0, code, err)
    assert.equal("1b!,2c!", table_text())
    assert.equal("added_mallory", project:ask "SELECT DISTINCT who FROM owned")
  end)
end)
