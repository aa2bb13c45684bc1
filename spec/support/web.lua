-- A web server (web_server.py) of a test: files with faults, and a store that speaks S3's protocol.

local pghost = require "support.pghost"
local server = require "support.server"

local M = {}

---@class support.Web
---@field folder string what it serves
---@field base string "http://127.0.0.1:PORT"
---@field env string for the shell: the store is where S3's URLs lead, signed with its key
---@field pid string
local Web = {}
Web.__index = Web

--- Starts one on a free port; it ends with Web:stop.
---@param env? string for the server; with WEB_TLS=FILE, a certificate and its key, it speaks https
---@return support.Web
function M.start(env)
  local folder = pghost.folder()
  local ready = folder .. ".port"
  local pid = server.shell(("%s python3 %s/spec/support/web_server.py %s %s >/dev/null 2>&1 </dev/null & echo $!")
    :format(env or "", pghost.root, folder, ready))
  server.shell(("for i in $(seq 200); do [ -f %s ] && exit 0; sleep 0.05; done; exit 1"):format(ready))
  local port = pghost.read(ready)
  os.remove(ready)
  local base = (env and env:find("WEB_TLS=", 1, true) and "https" or "http") .. "://127.0.0.1:" .. port
  return setmetatable({ folder = folder, base = base, pid = pid,
    env = ("HOME=%s AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI AWS_ENDPOINT_URL=%s/s3")
      :format(folder, base) }, Web)
end

--- Ends it, and removes what it has served.
function Web:stop()
  os.execute("kill " .. self.pid)
  pghost.remove(self.folder)
end

--- Writes a file that it serves, below a folder that is made.
---@param path string relative
---@param text string
function Web:write(path, text)
  local folder = path:match("^(.*)/")
  if folder then
    server.shell(("mkdir -p '%s/%s'"):format(self.folder, folder))
  end
  return pghost.write(self.folder .. "/" .. path, text)
end

--- The requests so far, a line each: method, path, range, status.
---@return string
function Web:log()
  return server.shell("python3 -c 'import urllib.request; print(urllib.request.urlopen(\"" .. self.base
    .. "/-/log\").read().decode())'")
end

--- How many uploads in parts were begun and neither ended nor taken back.
---@return integer
function Web:uploads()
  return tonumber(server.shell("python3 -c 'import urllib.request; print(urllib.request.urlopen(\"" .. self.base
    .. "/-/uploads\").read().decode())'"))
end

return M
