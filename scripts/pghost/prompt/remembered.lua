-- Decides which chunks the line history keeps: none that contain a password or similar secret.

local secrets = require "pghost.run.secrets"

local M = {}

-- Anywhere in the text.
local signs = { "password", "passwd", "passphrase", "secret", "pgpass", "api_key", "apikey", "access_key",
  "private key", "bearer " }

-- Names that do not mean a secret at the prompt: the key of a table.
local harmless = { key = true, keys = true, primary_key = true, foreign_key = true }

local function has_sign(text)
  for _, sign in ipairs(signs) do
    if text:find(sign, 1, true) then
      return true
    end
  end
  return false
end

-- token = "...", --token=..., "token": "..."
local function gives_secret(text)
  for name in text:gmatch("([%a_][%w_]*)[\"'%]]*%s*[=:]+>?%s*[\"'%w]") do
    if not harmless[name:lower()] and secrets.is({}, name) then
      return true
    end
  end
  for _, literal in text:gmatch("([\"'])(.-)%1") do
    if secrets.is({ value = literal }, "value") then
      return true
    end
  end
  return secrets.is({ value = text }, "value")
end

--- The chunk as it is kept; nil: it is not.
---@param text string
---@return string?
function M.kept(text)
  local chunk = text:gsub("%s+$", "")
  if chunk == "" or has_sign(chunk:lower()) or gives_secret(chunk) then
    return nil
  end
  return chunk
end

return M
