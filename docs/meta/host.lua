---@meta pghost.native.host

---What the executable tells scripts about itself.
---@class pghost.Host
---@field version string "0.1.0"
---@field script? string path of the script; nil for -e, stdin, subcommands and the REPL
---@field options pghost.HostOptions
---@field attempt integer how often the script has been started, this time included
---@field retry_of? integer run_id of the run whose failure made it start again
---@field can_retry boolean the script is a file, and can be executed once more
local host = {}

---@class pghost.HostOptions
---@field dsn? string value of --dsn: a conninfo string or URL. May hold a password: never print it
---@field log_format "text"|"json"
---@field quiet boolean no progress and no log, only warnings and errors

return host
