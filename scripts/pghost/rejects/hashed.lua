-- Rejects that exist only in a rejects file, by their hash: each is loaded into a table once. pghost.taken_in records
-- which were: a row is written before the record is loaded, in the same transaction, so a second one waits for it.

local batches = require "pghost.lib.batches"
local cjson = require "cjson"
local hex = require "pghost.lib.hex"
local recordable = require "pghost.run.recordable"
local sql = require "pghost.lib.sql"
local sys = require "pghost.native.sys"

local M = {}

---@class pghost.rejects.Hashed
---@field conn pghost.Connection
---@field relation pghost.load.Relation
---@field records pghost.rejects.Record[] in the order of the file
---@field taken pghost.rejects.Record[] those that are loaded
---@field refused { at: integer, reject?: string, reason: string, taken?: boolean }[]
local Hashed = {}
Hashed.__index = Hashed

---@param conn pghost.Connection in the transaction of the load
---@param relation pghost.load.Relation
---@return pghost.rejects.Hashed
function M.begin(conn, relation)
  return setmetatable({ conn = conn, relation = relation, records = {}, by_reject = {}, taken = {},
    refused = {} }, Hashed)
end

--- Whether that is what `pghost load` calls a reject.
---@param text? string
---@return boolean
function M.is(text)
  return text ~= nil and text:find "^h%x+$" ~= nil and #text == 33
end

local function refuse(self, record, reason, taken)
  self.refused[#self.refused + 1] = { at = record.at, reject = record.reject, reason = reason, taken = taken }
end

--- One more record.
---@param record pghost.rejects.Record
function Hashed:add(record)
  local before = record.reject and self.by_reject[record.reject]
  if not M.is(record.reject) then
    refuse(self, record, ("no reject '%s' of a pghost load"):format(record.reject or ""))
  elseif before then
    refuse(self, record, ("reject %s is already at line %d"):format(record.reject, before.at))
  else
    self.by_reject[record.reject] = record
    self.records[#self.records + 1] = record
  end
end

local function as_json(self, record)
  local fields
  for i = 1, record.fields and #record.columns or 0 do
    fields = fields or {}
    fields[i] = record.fields[i] == nil and cjson.null or recordable.text(self.conn, record.fields[i])
  end
  local columns = {}
  for i, name in ipairs(record.columns) do
    columns[i] = recordable.text(self.conn, name)
  end
  return { reject = record.reject, file = recordable.text(self.conn, record.file), line = record.line,
    columns = columns, fields = fields, bytes = record.original and hex.encode(record.original) or nil }
end

-- In the order of their hashes: two fixes of the same records never wait for each other.
local insert = [[
  INSERT INTO pghost.taken_in (target_schema, table_name, reject, file, line, columns, fields, bytes, made_by)
  SELECT $2, $3, n.reject, n.file, n.line, n.columns, n.fields, pg_catalog.decode(n.bytes, 'hex'), $4
  FROM pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) AS n (reject pg_catalog.text, file pg_catalog.text,
    line pg_catalog.int8, columns pg_catalog.jsonb, fields pg_catalog.jsonb, bytes pg_catalog.text)
  ORDER BY n.reject
  ON CONFLICT (target_schema, table_name, reject) DO NOTHING
  RETURNING reject]]

local before_query = [[
  SELECT reject, run_id, pg_catalog.to_char(made_at, 'YYYY-MM-DD HH24:MI:SS TZ') AS made_at, made_by
  FROM pghost.taken_in
  WHERE target_schema = $1 AND table_name = $2 AND reject = ANY ($3::pg_catalog.text[])]]

local function insert_all(self)
  local sorted, is_new = table.move(self.records, 1, #self.records, 1, {}), {}
  table.sort(sorted, function(a, b)
    return a.reject < b.reject
  end)
  local list = batches.new(function(batch)
    local rows = self.conn:query(insert, cjson.encode(batch), self.relation.schema, self.relation.name,
      recordable.text(self.conn, sys.user()))
    for row in rows:rows() do
      is_new[row.reject] = true
    end
  end)
  for _, record in ipairs(sorted) do
    list:add(as_json(self, record))
  end
  list:flush()
  return is_new
end

local function describe(row)
  return ("reject %s was already taken in by %s, %s"):format(row.reject, row.run_id and "run " .. row.run_id
    or (row.made_by or "somebody"), row.made_at)
end

--- Claims the records: those that were not taken in before, in the order of the file. The others are in `refused`.
---@return pghost.rejects.Record[]
function Hashed:take()
  local is_new, old = insert_all(self), {}
  for _, record in ipairs(self.records) do
    if is_new[record.reject] then
      self.taken[#self.taken + 1] = record
    else
      old[#old + 1] = record.reject
    end
  end
  for row in self.conn:query(before_query, self.relation.schema, self.relation.name, sql.array(old)):rows() do
    refuse(self, self.by_reject[row.reject], describe(row), true)
  end
  table.sort(self.refused, function(a, b)
    return a.at < b.at
  end)
  return self.taken
end

--- Gives back those that were refused, and notes who took the others in.
---@param rejected table<string, string> why one was refused, by what it is called
---@param run_id? integer
function Hashed:settle(rejected, run_id)
  local loaded, open = {}, {}
  for _, record in ipairs(self.taken) do
    local list = rejected[record.reject] and open or loaded
    list[#list + 1] = record.reject
  end
  local relation = self.relation
  self.conn:query([[
    DELETE FROM pghost.taken_in
    WHERE target_schema = $1 AND table_name = $2 AND reject = ANY ($3::pg_catalog.text[])]], relation.schema,
    relation.name, sql.array(open))
  self.conn:query([[
    UPDATE pghost.taken_in SET run_id = $4
    WHERE target_schema = $1 AND table_name = $2 AND reject = ANY ($3::pg_catalog.text[])]], relation.schema,
    relation.name, sql.array(loaded), run_id)
end

return M
