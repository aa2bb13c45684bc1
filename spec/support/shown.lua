-- What specs look at: the rows of a query as text, and what was written to a log or to the terminal.

local assert = require "luassert"

local M = {}

--- A file to write to that keeps what was written, as `text`.
---@return { text: string }
function M.sink()
  local out = { text = "" }
  function out:write(...)
    self.text = self.text .. table.concat({ ... })
    return self
  end
  function out.flush() end
  return out
end

--- Asserts that a text contains each of the others.
---@param text string
---@param ... string
function M.has(text, ...)
  for _, wanted in ipairs { ... } do
    assert.truthy(text:find(wanted, 1, true), text)
  end
end

--- Asserts that a call has failed: it returned nil, this message and this code.
---@param message string
---@param code string
---@param ... any what the call returned
function M.refused(message, code, ...)
  local value, got_message, got_code = ...
  assert.is_nil(value)
  assert.equal(message, got_message)
  assert.equal(code, got_code)
end

local function lines_of(conn, sql, text_of)
  local lines = {}
  for row in assert(conn:query(sql)):rows() do
    local cells = {}
    for i = 1, #row do
      cells[i] = text_of(row[i])
    end
    lines[#lines + 1] = table.concat(cells, "|")
  end
  return lines
end

--- A line for each row: "1|NULL|true".
---@param conn table a connection, also a native one
---@param sql string
---@return string[]
function M.lines(conn, sql)
  return lines_of(conn, sql, function(value)
    return value == nil and "NULL" or tostring(value)
  end)
end

--- The rows as psql -At prints them: "1||t".
---@param conn table
---@param sql string
---@return string
function M.text(conn, sql)
  return table.concat(lines_of(conn, sql, function(value)
    return value == nil and "" or type(value) == "boolean" and (value and "t" or "f") or tostring(value)
  end), "\n")
end

return M
