---@meta pghost.native.host

---What the executable tells scripts about itself.
---@class pghost.Host
---@field version string "0.1.0"
---@field lua_version string "5.4.4"
---@field lua_release string what the Lua library says of itself; bytecode is of one release
---@field script? string path of the script; nil for -e, stdin, subcommands and the REPL
---@field root? string folder that holds scripts/pghost; nil when the library is missing
---@field options pghost.HostOptions
---@field option_texts pghost.HostOptionText[] what the command line takes before a script or command
---@field attempt integer how often the script has been started, this time included
---@field retry_of? integer run_id of the run whose failure made it start again
---@field can_retry boolean the script is a file, and can be executed once more
local host = {}

---What has been done already and stays: said after "out of memory", where Lua could not put it into the message.
---@param what string "the records are loaded"
function host.done(what) end

---@class pghost.HostOptionText
---@field short? string "-q"
---@field long? string "--quiet"
---@field value? string what its value is called; nil for a flag; "text|json" are all that it can be
---@field help string
---@field late boolean may also be given after a subcommand

---@class pghost.HostOptions
---@field dsn? string value of --dsn: a conninfo string or URL. May hold a password: never print it
---@field log_format "text"|"json"
---@field color "auto"|"always"|"never"
---@field quiet boolean no progress and no log, only warnings and errors

return host
