-- What was decided before on the rejects of a `pghost load`: which of them were corrected or waived, by the content of
-- their file, their line and original bytes. reapply_load.lua loads the corrected ones.
--
-- A waiver is of one table. A correction is of a record: one that was made for another table counts as well, unless
-- there is one for this table, or those of other tables differ. Corrections of rejects that only a rejects file knows
-- are in pghost.taken_in, by a hash of the same three.

local batches = require "pghost.lib.batches"
local cjson = require "cjson"
local csv = require "pghost.native.csv"
local json = require "pghost.lib.json"
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
---@field text? string the same in UTF-8
---@field note? string
---@field made_at number seconds since 1970, by the server's clock

local counted = {
  corrections = [[
    SELECT pg_catalog.count(*) AS records FROM pghost.corrections
    WHERE reverted_at IS NULL AND (kind = 'corrected' OR target_schema = $1 AND table_name = $2)]],
  taken_in = "SELECT pg_catalog.count(*) AS records FROM pghost.taken_in WHERE reverted_at IS NULL",
}

--- How many corrections and waivers may apply to records of a load. None where nothing was ever corrected, which costs
--- no question to the server, or where somebody who is not trusted could have put them there.
---@param conn pghost.Connection
---@param relation pghost.load.Relation
---@return integer
function M.count(conn, relation)
  local here, count = relation.decided, 0
  if not (here.corrections or here.taken_in) or trust.stranger(conn, "pghost") then
    return 0
  end
  if here.corrections then
    count = conn:query(counted.corrections, relation.schema, relation.name)[1].records
  end
  return count + (here.taken_in and conn:query(counted.taken_in)[1].records or 0)
end

local made_for = [[target_schema = $1 AND table_name = $2 AS own,
    pg_catalog.concat(pg_catalog.quote_ident(target_schema), '.', pg_catalog.quote_ident(table_name)) AS made_for]]

local corrections_query = ([[
  SELECT file_sha256, line, pg_catalog.encode(original_sha256, 'hex') AS original, kind, columns::pg_catalog.text,
    fields::pg_catalog.text, bytes, note, pg_catalog.date_part('epoch', made_at) AS made_at, %s
  FROM pghost.corrections
  WHERE reverted_at IS NULL AND file_sha256 = ANY ($3::pg_catalog.text[])
    AND (kind = 'corrected' OR target_schema = $1 AND table_name = $2)
  ORDER BY correction_id]]):format(made_for)

local taken_in_query = ([[
  SELECT pg_catalog.substr(reject, 10) AS record, columns::pg_catalog.text, fields::pg_catalog.text, bytes AS text,
    pg_catalog.date_part('epoch', made_at) AS made_at, %s
  FROM pghost.taken_in
  WHERE reverted_at IS NULL AND pg_catalog.substr(reject, 10) = ANY ($3::pg_catalog.text[])
  ORDER BY made_at]]):format(made_for)

local function decode(row, kind)
  local columns = row.columns and cjson.decode(row.columns)
  return { kind = kind, own = row.own, made_for = row.made_for, made_at = row.made_at, columns = columns,
    fields = row.fields and json.texts(row.fields),
    same = table.concat({ row.columns or "", row.fields or "" }, "\0") }
end

-- The last one of this table wins; of other tables all must say the same.
local function choose(before, one)
  if not before or one.own and not (before.own and before.made_at > one.made_at) then
    return one
  elseif before.own or before.same == one.same then
    return before
  end
  return { kind = "differs", own = false, made_for = before.made_for .. " and " .. one.made_for }
end

local function key_of(sha256, line, original_sha256)
  return ("%s:%d:%s"):format(sha256, line, original_sha256)
end

local function find_corrections(self, conn, relation, files)
  for row in conn:query(corrections_query, relation.schema, relation.name, sql.array(files)):rows() do
    local key, one = key_of(row.file_sha256, row.line, row.original), decode(row, row.kind)
    one.bytes, one.note, one.same = row.bytes, row.note, one.same .. "\0" .. (row.bytes or "")
    self.by_record[key] = choose(self.by_record[key], one)
  end
end

local function find_taken_in(self, conn, relation, records)
  local list = batches.new(function(batch)
    for row in conn:query(taken_in_query, relation.schema, relation.name, sql.array(batch)):rows() do
      local one = decode(row, "corrected")
      one.text, one.same = row.text, one.same .. "\0" .. (row.text or "")
      self.by_hash[row.record] = choose(self.by_hash[row.record], one)
    end
  end)
  for record in records do
    list:add(record.hash)
  end
  list:flush()
end

--- What a rejects file calls a record, after what it calls the load: a hash of the content of its file, its line and
--- its bytes.
---@param sha256 string
---@param line integer
---@param original string
---@return string
function M.hash(sha256, line, original)
  return csv.hash(("%s:%d:%s"):format(sha256, line, original)):sub(1, 24)
end

---@class pghost.rejects.Decided
---@field by_record table<string, pghost.rejects.Decision>
---@field by_hash table<string, pghost.rejects.Decision>
local Decided = {}
Decided.__index = Decided

--- The decision on a reject; nil: there is none.
---@param sha256 string of its file
---@param line integer
---@param original string
---@return pghost.rejects.Decision?
function Decided:of(sha256, line, original)
  local one = next(self.by_record) and self.by_record[key_of(sha256, line, csv.hash(original))]
  local other = next(self.by_hash) and self.by_hash[M.hash(sha256, line, original)]
  return one and other and choose(one, other) or one or other or nil
end

--- How many records were corrected for this table.
---@return integer
function Decided:count_own()
  local count = 0
  for _, map in ipairs { self.by_record, self.by_hash } do
    for _, one in pairs(map) do
      count = count + (one.own and one.kind == "corrected" and 1 or 0)
    end
  end
  return count
end

--- All decisions on records of these files.
---@param conn pghost.Connection
---@param relation pghost.load.Relation
---@param files string[] SHA-256 of each
---@param rejects fun(): { hash: string }? those of the files
---@return pghost.rejects.Decided
function M.find(conn, relation, files, rejects)
  local found = setmetatable({ by_record = {}, by_hash = {} }, Decided)
  if relation.decided.corrections then
    find_corrections(found, conn, relation, files)
  end
  if relation.decided.taken_in then
    find_taken_in(found, conn, relation, rejects)
  end
  return found
end

return M
