-- A store that speaks S3's protocol and was written by others: s3rver, from spec/remote (npm, by its lock file).
-- Missing, it is installed there; where that fails, CI fails and others skip. It looks at access keys, not at
-- signatures of version 4: web_server.py does that.

local pghost = require "support.pghost"
local server = require "support.server"

local M = {}

local folder = pghost.root .. "/spec/remote"
local program = folder .. "/node_modules/s3rver/bin/s3rver.js"

local function is_there()
  local file <close> = io.open(program, "r")
  return file ~= nil
end

---@class support.Store
---@field port integer
---@field env string for the shell: S3's URLs lead to it
---@field folder string
---@field pid string
local Store = {}
Store.__index = Store

--- Whether there can be one; why not. Raises in CI.
---@return boolean
---@return string? problem
function M.available()
  if is_there() then
    return true
  end
  local _, err, code = pghost.shell(("cd %s && npm ci 1>&2"):format(pghost.quote(folder)))
  if code ~= 0 and (os.getenv "CI" or "") ~= "" then
    error("npm ci in spec/remote failed: " .. err, 0)
  end
  return code == 0, err:sub(1, 300)
end

--- Starts one on a free port, with the bucket `lake`; it ends with Store:stop.
---@return support.Store
function M.start()
  local self = setmetatable({ folder = pghost.folder() }, Store)
  self.port = math.tointeger(tonumber(server.shell [[python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])']])) or error "no port"
  self.pid = server.shell(("mkdir %s/d; node --openssl-legacy-provider %s -d %s/d -a 127.0.0.1 -p %d "
    .. "--configure-bucket lake --silent "
    .. ">/dev/null 2>&1 </dev/null & echo $!"):format(self.folder, program, self.folder, self.port))
  server.shell(("for i in $(seq 600); do curl -s -o /dev/null http://127.0.0.1:%d/lake && exit 0; sleep 0.05; done; "
    .. "exit 1"):format(self.port))
  self.env = ("HOME=%s AWS_ACCESS_KEY_ID=S3RVER AWS_SECRET_ACCESS_KEY=S3RVER AWS_ENDPOINT_URL=http://127.0.0.1:%d")
    :format(self.folder, self.port)
  return self
end

--- Puts objects there, as another client would.
---@param objects table<string, string> texts by key
function Store:put(objects)
  local lines = {}
  for key, text in pairs(objects) do
    lines[#lines + 1] = ("%s\t%s"):format(key, (text:gsub("\n", "\\n")))
  end
  local path = pghost.write(self.folder .. "/put", table.concat(lines, "\n"))
  server.shell(([[python3 -c 'import http.client
c = http.client.HTTPConnection("127.0.0.1", %d)
for line in open("%s"):
    key, text = line.rstrip("\n").split("\t")
    c.request("PUT", "/lake/" + key, text.replace("\\n", "\n"))
    r = c.getresponse(); r.read()
    assert r.status == 200, r.status']]):format(self.port, path))
end

--- The bytes of an object, as another client gets them.
---@param key string
---@return string
function Store:get(key)
  return (pghost.shell(("curl -s --fail 'http://127.0.0.1:%d/lake/%s'"):format(self.port, key)))
end

function Store:stop()
  os.execute("kill " .. self.pid)
  pghost.remove(self.folder)
end

return M
