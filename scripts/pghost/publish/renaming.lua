-- Names: replaces relation names in a view's text as printed by the server, and finds free names for indexes and
-- sequences.
--
-- With an empty search path the server writes every relation as schema.name, columns only ever after an alias; so
-- quoted text is skipped and pairs of names are looked up. The result is not trusted: callers check what the created
-- view depends on.

local sql = require "pghost.lib.sql"
local statements = require "pghost.publish.script"

local M = {}

local function quoted_end(text, at, quote, escapes)
  return sql.quoted_end(text, at, quote, escapes) or #text
end

-- The end of one name, quoted or plain; nil when there is none.
local function name_end(text, at)
  if text:sub(at, at) == '"' then
    return quoted_end(text, at, '"')
  end
  return select(2, text:find("^[%a_\x80-\xff][%w_$\x80-\xff]*", at))
end

-- The end of the chain of names (a.b.c) that begins at `at`, and how many there are.
local function chain_end(text, at)
  local stop, count = name_end(text, at), 1
  while stop and text:sub(stop + 1, stop + 1) == "." do
    local more = name_end(text, stop + 2)
    if not more then
      break
    end
    stop, count = more, count + 1
  end
  return stop, count
end

-- $1 built table, $2 target schema, $3 published tables that go. Indexes and sequences of the built table
-- whose names belong to something else in the target: of a table that was renamed away, for instance.
local taken_query = [[
WITH target AS (SELECT oid FROM pg_namespace WHERE nspname = $2),
part AS (
  SELECT c.oid, c.relname, c.relkind, n.nspname, c.relnamespace
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = $1::oid)
    OR c.relkind = 'S' AND c.oid IN (SELECT objid FROM pg_depend WHERE classid = 'pg_class'::regclass
      AND refclassid = 'pg_class'::regclass AND refobjid = $1::oid AND deptype IN ('a', 'i'))
),
going AS (
  SELECT indexrelid AS oid FROM pg_index WHERE indrelid = ANY ($3::oid[])
  UNION ALL SELECT objid FROM pg_depend WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass
    AND refobjid = ANY ($3::oid[]) AND deptype = 'i'
)
SELECT format('index or sequence %L', p.relname) AS what, format('ALTER %s %I.%I RENAME TO %I',
  CASE p.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'INDEX' END, p.nspname, p.relname,
  (SELECT f.name FROM generate_series(1, 1000) AS k, LATERAL (SELECT left(p.relname, 58) || '_' || k) AS f (name)
   WHERE NOT EXISTS (SELECT FROM pg_class WHERE relname = f.name
     AND relnamespace IN (p.relnamespace, (SELECT oid FROM target))) ORDER BY k LIMIT 1)) AS sql
FROM part AS p
WHERE EXISTS (SELECT FROM pg_class AS c WHERE c.relname = p.relname AND c.relnamespace = (SELECT oid FROM target)
  AND c.oid NOT IN (SELECT oid FROM going))
ORDER BY 1]]

--- Gives other names to indexes and sequences of a built table whose own are not free in the target.
---@param conn pghost.Connection
---@param subject pghost.publish.Subject
---@param target string
---@param going string published tables that are dropped, as an array literal
---@return pghost.publish.Statements
function M.free(conn, subject, target, going)
  local list = statements.new()
  list:add_rows(conn, taken_query, subject.new, target, going)
  return list
end

--- Replaces schema.name by what `names` has for it, except where it is called like a function.
---@param text string
---@param names table<string, string> quoted as the server does
---@return string
function M.replace(text, names)
  local out, at = {}, 1
  while at <= #text do
    local stop = at
    local piece
    if text:find("^[eE]'", at) then
      stop = quoted_end(text, at + 1, "'", true)
    elseif text:sub(at, at) == "'" then
      stop = quoted_end(text, at, "'")
    elseif name_end(text, at) then
      local count
      stop, count = chain_end(text, at)
      local call = text:sub(stop + 1, stop + 1) == "("
      piece = count == 2 and not call and names[text:sub(at, stop)] or nil
    elseif text:find("^%d", at) then
      stop = select(2, text:find("^[%w_.]+", at))
    end
    out[#out + 1] = piece or text:sub(at, stop)
    at = stop + 1
  end
  return table.concat(out)
end

return M
