-- Converts external texts (paths, reasons, names) to what the history can store, whatever the encoding of the database:
-- bytes that are not UTF-8 become \xe9, characters that its encoding does not have \u{20AC}.
--
-- So a file named in Latin-1, or a euro sign in a database in LATIN1, does not fail what records it. Any other text
-- stays unchanged, backslashes included.

local M = {}

-- Per connection: its database's encoding, and for each character beyond ASCII whether that has it.
local known = setmetatable({}, { __mode = "k" })

local function encoding_of(conn)
  local found = known[conn]
  if not found then
    found = { name = conn:query("SELECT pg_catalog.current_setting('server_encoding') AS name")[1].name, has = {} }
    known[conn] = found
  end
  return found
end

-- Asks the server, in a transaction or savepoint of its own: what it cannot convert is an error.
local function server_has(conn, encoding, char)
  return (pcall(conn.transaction, conn, function()
    conn:query("SELECT pg_catalog.convert(pg_catalog.decode($1::text, 'hex'), 'UTF8', $2::name)",
      (char:gsub(".", function(byte)
        return ("%02x"):format(byte:byte())
      end)), encoding)
  end))
end

local function has(conn, encoding, char)
  if encoding.name == "UTF8" or encoding.name == "SQL_ASCII" or char:byte() < 0x80 then
    return true
  elseif encoding.has[char] == nil then
    encoding.has[char] = server_has(conn, encoding.name, char)
  end
  return encoding.has[char]
end

--- A text that the database can hold.
---@param conn pghost.Connection idle or in a transaction
---@param text string
---@return string
---@overload fun(conn: pghost.Connection, text: nil): nil
function M.text(conn, text)
  if not text or not text:find("[\x80-\xff\0]") then
    return text
  end
  local encoding = encoding_of(conn)
  local out, at = {}, 1
  while at <= #text do
    local char = text:match("^[\x01-\x7f]+", at) or text:match("^[\xc2-\xf4][\x80-\xbf]+", at)
    if char and char:byte() >= 0x80 then
      local stop = utf8.len(text, at, at) and (utf8.offset(text, 2, at) or #text + 1)
      char = stop and text:sub(at, stop - 1)
    end
    if char and has(conn, encoding, char) then
      out[#out + 1] = char
    elseif char then
      out[#out + 1] = ("\\u{%04X}"):format(utf8.codepoint(char))
    else
      char = text:sub(at, at)
      out[#out + 1] = ("\\x%02x"):format(char:byte())
    end
    at = at + #char
  end
  return table.concat(out)
end

--- A plain value, every text in it as the database can hold it.
---@generic T
---@param conn pghost.Connection idle or in a transaction
---@param value T
---@return T copy
function M.value(conn, value)
  if type(value) == "string" then
    return M.text(conn, value)
  elseif type(value) ~= "table" then
    return value
  end
  local out = {}
  for key, one in pairs(value) do
    out[M.value(conn, key)] = M.value(conn, one)
  end
  return out
end

return M
