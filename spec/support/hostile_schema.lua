-- A schema full of functions, aggregates and operators that are better matches than the server's own for
-- what is not called by its schema. Each does what the server's own does, and writes "captured" with the
-- role that ran it into the server's log, which no rollback takes back. What is shadowed is generated from
-- the server's catalog.

local pghost = require "support.pghost"

local M = {}

-- Types of what is compared and passed on; SQL texts cannot be of the type `unknown`.
local types = [[text varchar bpchar name "char" int2 int4 int8 oid bool bytea timestamp timestamptz date interval
  numeric float8 json jsonb regclass regproc text[] name[] int2[] oid[] int2vector]]

local argument_types = [[text varchar name int4 int8 oid bool "char" regclass timestamptz jsonb text[] numeric bytea]]

local function array(words)
  local out = {}
  for word in words:gmatch("%S+") do
    out[#out + 1] = "'" .. word .. "'"
  end
  return "ARRAY[" .. table.concat(out, ", ") .. "]::text[]"
end

-- Every word of the library and its SQL that a parenthesis follows: among them are all functions it calls.
local function called_words()
  local words, seen = {}, {}
  local files = io.popen(("find %s -name '*.lua' -o -name '*.sql' -o -name '*.c'"):format(
    table.concat({ pghost.root .. "/scripts/pghost", pghost.root .. "/sql", pghost.root .. "/bindings" }, " ")))
  for path in files:lines() do
    for word in pghost.read(path):gmatch("([%a_][%w_]*)%s?%(") do
      if not seen[word] then
        seen[word] = true
        words[#words + 1] = word:lower()
      end
    end
  end
  files:close()
  return array(table.concat(words, " "):gsub("[^%w_ ]", ""))
end

local script = [==[
SET check_function_bodies = off;
SET search_path = pg_catalog, pg_temp;
CREATE TEMP TABLE kinds AS SELECT t, t::regtype AS type FROM unnest(%s) AS t;
CREATE TEMP TABLE passed AS SELECT t, t::regtype AS type FROM unnest(%s) AS t;
CREATE TEMP TABLE called AS SELECT DISTINCT proname AS name, prokind AS kind, pronargs AS args,
    provariadic <> 0 AS variadic, CASE WHEN provolatile = 'v' THEN 'VOLATILE' ELSE 'IMMUTABLE' END AS volatility,
    (SELECT CASE WHEN r.typname LIKE '%%array' THEN 'array' WHEN r.typtype = 'p' THEN 'text'
       ELSE format_type(r.oid, NULL) END
     FROM pg_type AS r WHERE r.oid = prorettype) AS result, proretset AS set
  FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY (%s) AND prokind IN ('f', 'a');

DO $do$
DECLARE
  one record;
  body text := $body$ BEGIN RAISE LOG 'captured as %%%% by %%%%', current_user, %%L; RETURN %%s; END $body$;
  number bigint := 0;
  given text;
BEGIN
  -- Functions of one to five arguments.
  FOR one IN
    SELECT DISTINCT ON (name, list) * FROM (
      SELECT c.name, c.result, c.set, c.volatility, a.type::text AS list
      FROM called AS c, kinds AS a WHERE c.kind = 'f' AND (c.args = 1 OR c.variadic)
      UNION ALL SELECT c.name, c.result, c.set, c.volatility, concat_ws(', ', a.type, b.type)
      FROM called AS c, passed AS a, passed AS b WHERE c.kind = 'f' AND (c.args = 2 OR c.variadic)
      UNION ALL SELECT c.name, c.result, c.set, c.volatility, concat_ws(', ', a.type, b, d)
      FROM called AS c, passed AS a, unnest('{text,int4,int8,bool}'::text[]) AS b,
        unnest('{text,int4,int8,bool}'::text[]) AS d
      WHERE c.kind = 'f' AND (c.args = 3 OR c.variadic)
      UNION ALL SELECT c.name, c.result, c.set, c.volatility,
        array_to_string(ARRAY[a.t] || array_fill(b.t, ARRAY[n - 1]), ', ')
      FROM called AS c, passed AS a, passed AS b, generate_series(4, 5) AS n
      WHERE c.kind = 'f' AND (c.args = n OR c.variadic)
      UNION ALL SELECT c.name, c.result, c.set, c.volatility, v
      FROM called AS c, unnest('{VARIADIC text[],"text, VARIADIC text[]","text, VARIADIC name[]"}'::text[]) AS v
      WHERE c.kind = 'f' AND c.variadic
    ) AS every
  LOOP
    BEGIN
      given := format('pg_catalog.%%I(%%s)', one.name, CASE WHEN one.list LIKE '%%VARIADIC%%'
        THEN CASE WHEN one.list LIKE '%%, %%' THEN '$1, VARIADIC $2' ELSE 'VARIADIC $1' END
        ELSE (SELECT string_agg('$' || n, ', ')
          FROM generate_series(1, length(one.list) - length(replace(one.list, ',', '')) + 1) AS n) END);
      EXECUTE format('CREATE FUNCTION HOSTILE.%%I(%%s) RETURNS %%s%%s LANGUAGE plpgsql %%s AS %%L', one.name, one.list,
        CASE WHEN one.set THEN 'SETOF ' ELSE '' END, CASE WHEN one.result <> 'array' THEN one.result
          WHEN one.list LIKE '%%[]%%' THEN split_part(one.list, ',', 1) ELSE 'text' END, one.volatility,
        format(body, one.name || '(' || one.list || ')',
          CASE WHEN one.set THEN 'QUERY SELECT * FROM ' ELSE '' END || given));
    EXCEPTION WHEN duplicate_function OR invalid_function_definition THEN NULL;
    END;
  END LOOP;
  -- Aggregates of one argument and of two.
  FOR one IN
    SELECT DISTINCT ON (name, list) * FROM (
      SELECT c.name, a.type::text AS list FROM called AS c, kinds AS a WHERE c.kind = 'a' AND c.args = 1
      UNION ALL SELECT c.name, concat_ws(', ', a.type, b.type) FROM called AS c, passed AS a, passed AS b
      WHERE c.kind = 'a' AND c.args = 2
    ) AS every
  LOOP
    EXECUTE format('CREATE FUNCTION HOSTILE.%%I(bigint, %%s) RETURNS bigint LANGUAGE plpgsql AS %%L',
      'sum_of_' || one.name, one.list, format(body, 'aggregate ' || one.name || '(' || one.list || ')', '$1 + 1'));
    EXECUTE format('CREATE AGGREGATE HOSTILE.%%I(%%s) (sfunc = HOSTILE.%%I, stype = bigint, initcond = 0)',
      one.name, one.list, 'sum_of_' || one.name);
  END LOOP;
  -- Operators between all types that have none of their own.
  FOR one IN
    SELECT o.name, o.result, a.t AS left, b.t AS right, a.type AS left_type
    FROM (VALUES ('=', 'bool'), ('<>', 'bool'), ('<', 'bool'), ('>', 'bool'), ('<=', 'bool'), ('>=', 'bool'),
        ('~~', 'bool'), ('@>', 'bool'), ('<@', 'bool'), ('&&', 'bool'), ('||', 'text'), ('->>', 'text'),
        ('->', 'jsonb'), ('+', 'left'), ('-', 'left'), ('&', 'left')) AS o (name, result), kinds AS a, kinds AS b
    WHERE NOT EXISTS (SELECT FROM pg_operator AS p WHERE p.oprnamespace = 'pg_catalog'::regnamespace
      AND p.oprname = o.name AND p.oprleft = a.type AND p.oprright = b.type)
  LOOP
    number := number + 1;
    EXECUTE format('CREATE FUNCTION HOSTILE.operator_%%s(%%s, %%s) RETURNS %%s LANGUAGE plpgsql IMMUTABLE AS %%L',
      number, one.left, one.right, CASE WHEN one.result = 'left' THEN one.left ELSE one.result END,
      format(body, format('%%s %%s %%s', one.left, one.name, one.right),
        format('$1 OPERATOR(pg_catalog.%%s) $2', one.name)));
    EXECUTE format('CREATE OPERATOR HOSTILE.%%s (LEFTARG = %%s, RIGHTARG = %%s, FUNCTION = HOSTILE.operator_%%s)',
      one.name, one.left, one.right, number);
  END LOOP;
END $do$;
DROP TABLE kinds, passed, called;
]==]

--- The script that a role with CREATE on a schema runs to shadow what pghost calls.
---@param schema string
---@return string sql
function M.script(schema)
  return (script:format(array(types), array(argument_types), called_words()):gsub("HOSTILE", schema))
end

-- The files of the library by their text without what formatting fills in, to find where a statement is from.
local function sources()
  local out = {}
  local files = io.popen(("find %s -name '*.lua' -o -name '*.sql'"):format(
    table.concat({ pghost.root .. "/scripts/pghost", pghost.root .. "/sql" }, " ")))
  for path in files:lines() do
    out[#out + 1] = { name = path:match("scripts/pghost/(.*)$") or path:match("(sql/.*)$"),
      text = " " .. pghost.read(path):gsub("[^%w_]+", " ") }
  end
  files:close()
  return out
end

-- The file that has the most of a statement's runs of three words.
local function source_of(statement, list)
  local words, best, most = {}, "?", 0
  for word in statement:gmatch("[%w_]+") do
    words[#words + 1] = word
  end
  for _, file in ipairs(list) do
    local score = 0
    for i = 1, #words - 2 do
      score = score + (file.text:find(" " .. table.concat(words, " ", i, i + 2) .. " ", 1, true) and 1 or 0)
    end
    if score > most then
      best, most = file.name, score
    end
  end
  return best
end

---@class spec.Captured
---@field file string of the library that the statement is from, as far as its words say
---@field what string "as role by what"
---@field statement string

--- What has been captured, once each.
---@param own support.Server with log_min_messages = error
---@return spec.Captured[]
function M.captured(own)
  local found, seen, current = {}, {}, nil
  local function finish()
    local key = current and current.what .. current.statement
    if current and not seen[key] then
      seen[key] = true
      found[#found + 1] = current
    end
    current = nil
  end
  for line in io.lines(own.folder .. "/log") do
    local what, statement = line:match("LOG:  captured (.*)$"), line:match("STATEMENT:  (.*)$")
    if what then
      finish()
      current = { what = what, statement = "" }
    elseif statement and current then
      current.statement = statement
    elseif line:find("^\t") and current and current.statement ~= "" then
      current.statement = current.statement .. "\n" .. line:sub(2)
    elseif line:find("^%d%d%d%d%-") and not line:find("CONTEXT:", 1, true) then
      finish()
    end
  end
  finish()
  local list = sources()
  for _, one in ipairs(found) do
    one.file = source_of(one.statement, list)
  end
  return found
end

return M
