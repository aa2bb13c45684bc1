-- The tables that the works load into, as plain SQL, and the psql scripts that load them.

local M = {}

M.columns = {
  booking = {
    { "user_id", "bigint" },
    { "booking_id", "bigint" },
    { "created_at", "timestamp" },
    { "status", "text" },
    { "checkin_status", "text" },
    { "booking_start_time", "timestamp" },
    { "booking_end_time", "timestamp" },
    { "is_demo", "boolean" },
  },
  event = {
    { "event_id", "bigint" },
    { "user_id", "bigint" },
    { "desk_id", "bigint" },
    { "created_at", "timestamp" },
    { "starts_at", "timestamp" },
    { "ends_at", "timestamp" },
    { "is_demo", "boolean" },
    { "status", "text" },
    { "channel", "text" },
    { "note", "text" },
  },
}

local function define(columns, force_type)
  local parts = {}
  for i, column in ipairs(columns) do
    parts[i] = ('"%s" %s'):format(column[1], force_type or column[2])
  end
  return table.concat(parts, ", ")
end

---@return string "a, b, c", quoted
function M.names(columns)
  local parts = {}
  for i, column in ipairs(columns) do
    parts[i] = ('"%s"'):format(column[1])
  end
  return table.concat(parts, ", ")
end

--- For a file of `columns` the tables <name>_plain (text, for psql), <name>_raw (text and load
--- metadata, for pghost), <name> and <name>_unlogged (typed) and one for rejects.
---@param name string
---@param columns string[][]
---@return string sql
function M.create(name, columns)
  local text, typed = define(columns, "text"), define(columns)
  return ([[
    drop table if exists %s_plain, %s_raw, %s, %s_unlogged;
    create table %s_plain (%s);
    create table %s_raw (%s, _file_id bigint, _line bigint, _loaded_at timestamptz default now());
    create table %s (%s);
    create unlogged table %s_unlogged (%s);
    create table if not exists rejects (run_id bigint, table_name text, file_id bigint, line bigint,
      byte_offset bigint, byte_length bigint, column_name text, rule text, reason text, original bytea);
  ]]):format(name, name, name, name, name, text, name, text, name, typed, name, typed)
end

--- Writes a psql script that truncates a table and loads a file in one transaction.
---@param how string options of \copy
---@return string path
function M.copy_script(folder, name, target, file, how)
  local path = ("%s/%s.sql"):format(folder, name)
  local script <close> = assert(io.open(path, "w"))
  script:write(("begin;\ntruncate %s;\n\\copy %s from '%s' %s\ncommit;\n"):format(target, target, file, how))
  return path
end

return M
