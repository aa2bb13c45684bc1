-- Reads a .env file, and the database connection from it.
--
-- Understood: `NAME=value`, `export NAME=value`, comments, 'as it is', "with \n and \" escapes", and
-- `${NAME}` of a name set above. Nothing is put into the environment.
--
-- The file lies in the current folder, beside data that may come from somebody else. So it can name a server, but none
-- of the user's secrets are sent there: no password that is not in the file itself, no variable of the environment, and
-- it can neither redirect a server to another address (PGHOSTADDR) nor name other password files.

local errors = require "pghost.lib.errors"
local lfs = require "lfs"
local own_file = require "pghost.lib.own_file"
local whole_file = require "pghost.lib.whole_file"

local M = {}

local escapes = { n = "\n", r = "\r", t = "\t" }

-- libpq's environment variables and the keywords they stand for (manual, libpq, "Environment
-- Variables").
local keywords = {
  PGHOST = "host",
  PGPORT = "port",
  PGDATABASE = "dbname",
  PGUSER = "user",
  PGPASSWORD = "password",
  PGSERVICE = "service",
  PGAPPNAME = "application_name",
  PGSSLMODE = "sslmode",
  PGSSLCERT = "sslcert",
  PGSSLKEY = "sslkey",
  PGSSLROOTCERT = "sslrootcert",
  PGSSLCRL = "sslcrl",
  PGCHANNELBINDING = "channel_binding",
  PGGSSENCMODE = "gssencmode",
  PGKRBSRVNAME = "krbsrvname",
  PGTARGETSESSIONATTRS = "target_session_attrs",
  PGCONNECT_TIMEOUT = "connect_timeout",
}

-- What a .env file may not set, and why not.
local refused = {
  PGHOSTADDR = "hostaddr",
  PGPASSFILE = "passfile",
  PGOPTIONS = "options",
  PGSERVICEFILE = "servicefile",
}

-- Variables of the environment that `${NAME}` may stand for.
local harmless_variables = { HOME = true, USER = true, LOGNAME = true, PWD = true }

-- With these no password of the environment or of ~/.pgpass is used: libpq looks for the former where
-- there is none at all, and for the latter in this file, which does not exist.
local no_password = { password = "", passfile = "/dev/null/none" }

-- The names of the Docker image.
local docker_keywords = {
  POSTGRES_HOST = "host",
  POSTGRES_PORT = "port",
  POSTGRES_DB = "dbname",
  POSTGRES_USER = "user",
  POSTGRES_PASSWORD = "password",
}

-- Those that say where to connect to. A password alone does not.
local places = {
  "PGSERVICE", "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER",
}
local docker_places = { "POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_DB", "POSTGRES_USER" }

M.places = places

local function expand(text, values)
  return (text:gsub("%${([%a_][%w_]*)}", function(name)
    return values[name] or (harmless_variables[name] and os.getenv(name)) or nil
  end))
end

local function unescape(text)
  return (text:gsub("\\(.)", function(char)
    return escapes[char] or char
  end))
end

local function value_of(text, values)
  local single = text:match("^'([^']*)'")
  if single then
    return single
  end
  if text:sub(1, 1) == '"' then
    local at = 2
    while at <= #text and text:sub(at, at) ~= '"' do
      at = at + (text:sub(at, at) == "\\" and 2 or 1)
    end
    return expand(unescape(text:sub(2, at - 1)), values)
  end
  return expand(text:gsub("%s+#.*$", ""):gsub("^#.*$", ""):gsub("%s+$", ""), values)
end

--- Parses the text of a .env file. Lines that are not assignments are skipped.
---@param text string
---@return table<string, string>
function M.parse(text)
  local values = {}
  for line in text:gsub("^\xEF\xBB\xBF", ""):gmatch("[^\r\n]+") do
    local name, rest = line:gsub("^%s*export%s+", ""):match("^%s*([%a_][%w_]*)%s*=%s*(.*)$")
    if name then
      values[name] = value_of(rest, values)
    end
  end
  return values
end

local function has_password(values)
  return (values.PGPASSWORD or values.POSTGRES_PASSWORD or "") ~= ""
    or (values.DATABASE_URL or ""):find("://[^/@]*:[^@]+@") ~= nil
    or (values.DATABASE_URL or ""):find("password=", 1, true) ~= nil
end

local function others_can_read(path)
  local permissions = lfs.attributes(path, "permissions")
  return permissions and (permissions:sub(4, 4) == "r" or permissions:sub(7, 7) == "r") -- of the group, or all
end

-- A file that others own or can change would let them decide where data goes.
local function check_owner(path)
  local mode = lfs.attributes(path, "mode")
  local problem = mode == "file" and own_file.problem(path)
  if mode ~= "file" then
    errors.raise(("'%s' is not a file (%s): move it away, or give --dsn"):format(path, mode), "usage")
  elseif problem then
    local remedy = problem == "is world-writable" and "chmod o-w " .. path or "make it yours"
    errors.raise(("'%s' %s and is not read: %s, or give --dsn"):format(path, problem, remedy), "usage")
  end
end

--- Reads a .env file. Raises where it is not the user's own, or cannot be read: data would go elsewhere. Warns on
--- stderr when it holds a password and others can read it.
---@param path string
---@return table<string, string>? nil when there is no such file
function M.read(path)
  if not whole_file.exists(path) then
    return nil
  end
  check_owner(path) -- before it is opened: a pipe would wait
  local values = M.parse(whole_file.read(path))
  if has_password(values) and others_can_read(path) then
    io.stderr:write(("pghost: warning: %s holds a password and others can read it: chmod 600 %s\n")
      :format(path, path))
  end
  return values
end

local function any(values, names)
  for _, name in ipairs(names) do
    if (values[name] or "") ~= "" then
      return true
    end
  end
  return false
end

local function collect(values, names, into)
  for name, keyword in pairs(names) do
    if (values[name] or "") ~= "" then
      into[keyword] = values[name]
    end
  end
end

local function refuse(name)
  errors.raise((".env: '%s' cannot be set here: give --dsn, or set it in the environment"):format(name), "usage")
end

-- DATABASE_URL is a libpq connection string of either form; names in a URL may be percent-encoded.
local function check_url(url)
  local plain = url:gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end)
  for _, keyword in ipairs { "hostaddr", "passfile", "options", "servicefile", "service" } do
    if plain:find("%f[%w]" .. keyword .. "%s*=") then
      refuse(keyword .. " in DATABASE_URL")
    end
  end
end

local function with_no_password(url)
  if url:find("^postgres%w*://") then
    local has = url:find("^%w+://[^/@:]*:[^/@]+@") or url:find("[?&]password=[^&]")
    local joint = url:find("?", 1, true) and "&" or "?"
    return has and url or ("%s%spassword=&passfile=%s"):format(url, joint, no_password.passfile:gsub("/", "%%2F"))
  end
  local has = url:find("%f[%w]password%s*=%s*'?[^%s']")
  return has and url or ("%s password='' passfile='%s'"):format(url, no_password.passfile)
end

local function check(values)
  for name in pairs(refused) do
    if (values[name] or "") ~= "" then
      refuse(name)
    end
  end
  if (values.PGSERVICE or "") ~= "" and ((values.PGHOST or "") ~= "" or (values.PGPORT or "") ~= "") then
    refuse("PGHOST beside PGSERVICE") -- the service's password would go to that host
  end
end

--- Where the values lead: DATABASE_URL, else libpq's names over those of the Docker image.
---@param values table<string, string>
---@return string? conninfo nil when they name no place; may hold a password: never show it
function M.conninfo(values)
  check(values)
  if (values.DATABASE_URL or "") ~= "" then
    check_url(values.DATABASE_URL)
    return with_no_password(values.DATABASE_URL)
  end
  if not any(values, places) and not any(values, docker_places) then
    return nil
  end
  local parts = {}
  local settings = {}
  if (values.PGSERVICE or "") == "" then
    settings.host = any(values, docker_places) and "localhost" or nil
    collect(values, docker_keywords, settings)
  end
  collect(values, keywords, settings)
  if not settings.service and not settings.password then
    settings.password, settings.passfile = no_password.password, no_password.passfile
  end
  for keyword, value in pairs(settings) do
    parts[#parts + 1] = ("%s='%s'"):format(keyword, value:gsub("[\\']", "\\%0"))
  end
  table.sort(parts)
  return table.concat(parts, " ")
end

return M
