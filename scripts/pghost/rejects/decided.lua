-- What was decided before on the rejects of a `pghost load`: which of them were corrected or waived, by the content of
-- their file, their line and original bytes. reapply_load.lua loads the corrected ones.
--
-- A waiver is of one table. A correction is of a record: one that was made for another table counts as well, unless
-- there is one for this table, or those of other tables differ.

local cjson = require "cjson"
local csv = require "pghost.native.csv"
local sql = require "pghost.lib.sql"
local trust = require "pghost.catalog.trust"

local M = {}

---@class pghost.rejects.Decision
---@field kind "corrected"|"waived"|"differs"
---@field own boolean made for this table
---@field made_for string that table, qualified
---@field columns? string[]
---@field fields? (string|nil)[] one for each column
---@field bytes? string in the dialect of the file
---@field note? string

local counted = [[
  SELECT pg_catalog.count(*) AS records FROM pghost.corrections
  WHERE reverted_at IS NULL AND (kind = 'corrected' OR target_schema = $1 AND table_name = $2)]]

--- How many corrections and waivers may apply to records of a load. None where nothing was ever corrected, which costs
--- no question to the server, or where somebody who is not trusted could have put them there.
---@param conn pghost.Connection
---@param relation pghost.load.Relation
---@return integer
function M.count(conn, relation)
  if not relation.decided or trust.stranger(conn, "pghost") then
    return 0
  end
  return conn:query(counted, relation.schema, relation.name)[1].records
end

local query = [[
  SELECT file_sha256, line, pg_catalog.encode(original_sha256, 'hex') AS original, kind, columns::pg_catalog.text,
    fields::pg_catalog.text, bytes, note, target_schema = $1 AND table_name = $2 AS own,
    pg_catalog.concat(pg_catalog.quote_ident(target_schema), '.', pg_catalog.quote_ident(table_name)) AS made_for
  FROM pghost.corrections
  WHERE reverted_at IS NULL AND file_sha256 = ANY ($3::pg_catalog.text[])
    AND (kind = 'corrected' OR target_schema = $1 AND table_name = $2)
  ORDER BY correction_id]]

local function with_nulls_as_nil(list)
  for i, value in ipairs(list or {}) do
    if value == cjson.null then
      list[i] = nil
    end
  end
  return list
end

local function decode(row)
  local columns = row.columns and cjson.decode(row.columns)
  return { kind = row.kind, own = row.own, made_for = row.made_for, columns = columns, bytes = row.bytes,
    note = row.note, fields = row.fields and with_nulls_as_nil(cjson.decode(row.fields)),
    same = table.concat({ row.columns or "", row.fields or "", row.bytes or "" }, "\0") }
end

-- One of this table wins; of other tables all must say the same.
local function choose(before, one)
  if not before or one.own then
    return one
  elseif before.own or before.same == one.same then
    return before
  end
  return { kind = "differs", own = false, made_for = before.made_for .. " and " .. one.made_for }
end

local function key_of(sha256, line, original_sha256)
  return ("%s:%d:%s"):format(sha256, line, original_sha256)
end

---@class pghost.rejects.Decided
---@field by_record table<string, pghost.rejects.Decision>
---@field count integer of corrections for this table
local Decided = {}
Decided.__index = Decided

--- The decision on a reject; nil: there is none.
---@param sha256 string of its file
---@param line integer
---@param original string
---@return pghost.rejects.Decision?
function Decided:of(sha256, line, original)
  if next(self.by_record) == nil then
    return nil
  end
  return self.by_record[key_of(sha256, line, csv.hash(original))]
end

--- All decisions on records of these files.
---@param conn pghost.Connection
---@param relation pghost.load.Relation
---@param hashes string[] SHA-256 of each
---@return pghost.rejects.Decided
function M.find(conn, relation, hashes)
  local found = setmetatable({ by_record = {}, count = 0 }, Decided)
  for row in conn:query(query, relation.schema, relation.name, sql.array(hashes)):rows() do
    local key = key_of(row.file_sha256, row.line, row.original)
    found.by_record[key] = choose(found.by_record[key], decode(row))
  end
  for _, one in pairs(found.by_record) do
    found.count = found.count + (one.own and one.kind == "corrected" and 1 or 0)
  end
  return found
end

return M
