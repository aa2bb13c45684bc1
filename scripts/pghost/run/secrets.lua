-- Which settings are secret: their values are recorded nowhere and shown nowhere.
--
-- By their name (smtp_pass, api_key, authToken, dsn), by their value (a URL or conninfo string with a
-- password, a bearer token, a private key), or because the config says so: `secret = { "smtp_host" }`.

local errors = require "pghost.lib.errors"
local nearest = require "pghost.lib.nearest"

local M = {}

-- Parts of a name, between underscores, other signs, and capitals.
local parts = {}
for _, word in ipairs {
  "pass", "pw", "pwd", "key", "keys", "auth", "authorization", "bearer", "cookie", "cookies", "dsn", "url", "uri",
  "conninfo", "salt", "otp", "jwt", "cred", "creds", "psk", "pin", "sig",
  "signature", "hmac", "webhook", "webhooks",
} do
  parts[word] = true
end

-- Anywhere in a name.
local fragments = { "password", "passwd", "passphrase", "passcode", "secret", "token", "credential", "apikey",
  "accesskey", "privatekey", "connectionstring" }

local function is_secret_name(name)
  local words = name:gsub("(%l)(%u)", "%1_%2"):gsub("(%u)(%u%l)", "%1_%2"):lower()
  for word in words:gmatch("%a%w*") do
    if parts[word] or parts[word:match("^%a+")] then
      return true
    end
  end
  local flat = words:gsub("[^%w]", "")
  for _, fragment in ipairs(fragments) do
    if flat:find(fragment, 1, true) then
      return true
    end
  end
  return false
end

local value_patterns = {
  "://[^/%s]*@", -- user:password@host
  "pass%w*%s*=", -- conninfo strings, DSNs of ODBC
  "pwd%s*=",
  "secret%w*%s*=",
  "token%s*=",
  "api_?key%s*=",
  "access_?key%s*=",
  "[?&;]sig=", -- a link that is signed: Azure
  "signature=", -- S3, Google
  "%f[%w]bearer%s+%S",
  "authorization%s*:",
  "^%s*basic%s+[%w+/]+=*%s*$",
  "^https://hooks%.slack%.com/", -- who knows the address may write there
  "^https://[%w.-]*discord%w*%.com/api/webhooks/",
  "^https://[%w.-]*webhook%.office%.com/",
  "%-%-%-%-%-begin [%w ]*private key",
  "^eyj[%w_-]+%.eyj", -- a JSON web token
  "^akia%w+$", -- an access key of AWS
  "^gh[pousr]_%w+$",
  "^xox[abprs]%-",
  "^sk[-_]%w",
  "^github_pat_%w",
  "^glpat%-%w",
  "^aiza%w",
  "^ya29%.",
  "^sg%.[%w_-]+%.",
  "^npm_%w",
  "^hv[sb]%.",
}

local function is_secret_value(value)
  if type(value) ~= "string" then
    return false
  end
  value = value:lower()
  for _, pattern in ipairs(value_patterns) do
    if value:find(pattern) then
      return true
    end
  end
  return false
end

-- The setting `secret`, as a set.
local function declared(config)
  local names = {}
  if type(config.secret) == "table" then
    for _, name in ipairs(config.secret) do
      names[name] = true
    end
  end
  return names
end

-- Of a setting, or of a parameter.
local function value_of(config, name)
  local setting = rawget(config, name)
  if setting ~= nil then
    return setting
  end
  return type(config.parameters) == "table" and rawget(config.parameters, name) or nil
end

--- Whether the value of a setting or parameter must be neither recorded nor shown.
---@param config table
---@param name string
---@return boolean
function M.is(config, name)
  return is_secret_name(name) or is_secret_value(value_of(config, name)) or declared(config)[name] == true
end

--- Raises unless the setting `secret` is a list of names of parameters: a misspelt one would keep nothing
--- secret.
---@param config table
function M.check(config)
  if config.secret == nil then
    return
  elseif type(config.secret) ~= "table" then
    errors.raise("secret: a list of names of parameters expected", "usage")
  end
  for key, name in pairs(config.secret) do
    if math.type(key) ~= "integer" or type(name) ~= "string" then
      errors.raise("secret: a list of names of parameters expected", "usage")
    elseif value_of(config, name) == nil then
      local names = {}
      for known in pairs(config.parameters or {}) do
        names[#names + 1] = tostring(known)
      end
      errors.raise(("secret: the config has no parameter '%s'%s"):format(name, nearest.hint(name, names)), "usage")
    end
  end
end

return M
