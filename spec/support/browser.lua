-- Pages in a headless Chromium: what becomes of them, what it complains of, what axe-core finds.

local cjson = require "cjson"
local pghost = require "support.pghost"

local M = {}

local folder = pghost.root .. "/spec/report"

-- As root there is no sandbox; the pages are those of the spec.
local command <const> = "timeout 120 chromium --headless --no-sandbox --disable-gpu --user-data-dir=%s "
  .. "--enable-logging=stderr --window-size=%d,900 --virtual-time-budget=10000 %s --dump-dom %s"

---@class support.Page
---@field dom string after its scripts have run
---@field console string[] what it said on the console, violations of the Content-Security-Policy too

--- Opens a file and returns what it became.
---@param path string
---@param options? { width?: integer, dark?: boolean }
---@return support.Page
function M.open(path, options)
  options = options or {}
  local profile = pghost.folder()
  local dom, err, code = pghost.shell(command:format(profile, options.width or 1400,
    ("--blink-settings=preferredColorScheme=%d"):format(options.dark and 0 or 1), pghost.quote("file://" .. path)))
  pghost.remove(profile)
  assert(code == 0 and dom ~= "", err)
  local console = {}
  for line in err:gmatch "[^\n]*CONSOLE[^\n]*" do
    console[#console + 1] = line
  end
  return { dom = dom, console = console }
end

local axe

-- The text of axe-core; nil and why not when it cannot be had. Raises in CI.
local function axe_source()
  local path = folder .. "/node_modules/axe-core/axe.min.js"
  if not axe then
    local file = io.open(path, "r")
    if not file then
      local _, err, code = pghost.shell(("cd %s && npm ci 1>&2"):format(pghost.quote(folder)))
      if code ~= 0 and (os.getenv "CI" or "") ~= "" then
        error("npm ci in spec/report failed: " .. err, 0)
      elseif code ~= 0 then
        return nil, "npm ci in spec/report failed: " .. err:sub(1, 300)
      end
    else
      file:close()
    end
    axe = pghost.read(path)
  end
  return axe
end

--- What axe-core finds in a page, serious and critical: "color-contrast: 3". The page is a copy
--- without its Content-Security-Policy, under which axe-core could not run.
---@param path string
---@param options? { width?: integer, dark?: boolean }
---@return string[]? found
---@return string? problem why it cannot be asked
function M.barriers(path, options)
  local source, problem = axe_source()
  if not source then
    return nil, problem
  end
  local page = pghost.read(path):gsub('<meta http%-equiv="Content%-Security%-Policy".-">', "", 1)
  local copy = pghost.write(path:gsub("%.html$", ".axe.html"), page .. "<script>" .. source .. [[</script><script>
    document.querySelectorAll("details").forEach((one) => { one.open = true; });
    axe.run(document, { resultTypes: ["violations"] }).then((result) => {
      const found = result.violations.filter((one) => ["serious", "critical"].includes(one.impact))
        .map((one) => one.id + ": " + one.nodes.length + ": " + one.nodes[0].html.slice(0, 120));
      document.title = "axe " + btoa(unescape(encodeURIComponent(JSON.stringify(found))));
    });</script>]])
  local dom = M.open(copy, options).dom
  local encoded = dom:match "<title>axe ([%w+/=]*)</title>"
  assert(encoded, "axe-core did not end")
  return cjson.decode(M.base64(encoded))
end

--- Text of base64.
---@param text string
---@return string
function M.base64(text)
  local alphabet <const> = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  local out, bits, count = {}, 0, 0
  for char in text:gmatch "[%w+/]" do
    bits, count = (bits << 6 | alphabet:find(char, 1, true) - 1) & 0xffffff, count + 6
    if count >= 8 then
      count = count - 8
      out[#out + 1] = string.char(bits >> count & 0xff)
    end
  end
  return table.concat(out)
end

return M
