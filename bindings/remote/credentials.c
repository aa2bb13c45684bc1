#include "remote/credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MOST = 4096 };

static const char *environment(const char *name) {
  const char *value = getenv(name);
  return value && *value ? value : NULL;
}

// Sets *field to a copy, unless it has a value. False: out of memory.
static bool fill(char **field, const char *value) {
  if (*field || !value)
    return true;
  *field = strdup(value);
  return *field != NULL;
}

// Cuts blanks off both ends, in place.
static char *trim(char *text) {
  text += strspn(text, " \t\r\n");
  size_t len = strlen(text);
  while (len > 0 && strchr(" \t\r\n", text[len - 1]))
    text[--len] = '\0';
  return text;
}

// True for the line that begins the profile's section: "[NAME]", in the file of settings "[profile
// NAME]".
static bool is_section(char *line, const char *profile) {
  size_t len = strlen(line);
  if (line[0] != '[' || line[len - 1] != ']')
    return false;
  line[len - 1] = '\0';
  char *name = trim(line + 1);
  static const char word[] = "profile ";
  if (strncmp(name, word, sizeof word - 1) == 0)
    name = trim(name + sizeof word - 1);
  return strcmp(name, profile) == 0;
}

typedef struct Entry {
  const char *name;
  char **field;
} Entry;

static bool take_line(char *line, const Entry *entries, size_t count) {
  char *equals = strchr(line, '=');
  if (!equals)
    return true;
  *equals = '\0';
  const char *name = trim(line);
  const char *value = trim(equals + 1);
  for (size_t i = 0; i < count; i++)
    if (strcmp(name, entries[i].name) == 0 && *value)
      return fill(entries[i].field, value);
  return true;
}

static bool read_profile(const char *path, const char *profile, const Entry *entries,
                         size_t count) {
  FILE *file = fopen(path, "re");
  if (!file)
    return true; // nobody has to have one
  char line[LINE_MOST];
  bool within = false, ok = true;
  while (ok && fgets(line, sizeof line, file)) {
    bool nested = line[0] == ' ' || line[0] == '\t'; // of a setting with settings of its own
    char *text = trim(line);
    if (text[0] == '[')
      within = is_section(text, profile);
    else if (within && !nested && text[0] != '#' && text[0] != ';')
      ok = take_line(text, entries, count);
  }
  fclose(file);
  explicit_bzero(line, sizeof line);
  return ok;
}

// The file that a variable names, or the one of that name below ~/.aws.
static bool path_of(const char *variable, const char *name, char *out, size_t size) {
  const char *named = environment(variable);
  const char *home = environment("HOME");
  int len = named  ? snprintf(out, size, "%s", named)
            : home ? snprintf(out, size, "%s/.aws/%s", home, name)
                   : -1;
  return len > 0 && (size_t)len < size;
}

static bool read_file(const char *variable, const char *name, const Entry *entries, size_t count) {
  const char *profile = environment("AWS_PROFILE");
  char path[4096];
  return !path_of(variable, name, path, sizeof path) ||
         read_profile(path, profile ? profile : "default", entries, count);
}

static bool from_environment(Credentials *out) {
  const char *key = environment("AWS_ACCESS_KEY_ID");
  const char *secret = environment("AWS_SECRET_ACCESS_KEY");
  if (key && secret &&
      !(fill(&out->key, key) && fill(&out->secret, secret) &&
        fill(&out->token, environment("AWS_SESSION_TOKEN"))))
    return false;
  return fill(&out->region, environment("AWS_REGION")) &&
         fill(&out->region, environment("AWS_DEFAULT_REGION")) &&
         fill(&out->endpoint, environment("AWS_ENDPOINT_URL_S3")) &&
         fill(&out->endpoint, environment("AWS_ENDPOINT_URL"));
}

bool credentials_find(Credentials *out) {
  *out = (Credentials){0};
  char *other_key = NULL, *other_secret = NULL, *other_token = NULL;
  bool own = from_environment(out);
  bool given = out->key != NULL;
  const Entry entries[] = {
      {"aws_access_key_id", given ? &other_key : &out->key},
      {"aws_secret_access_key", given ? &other_secret : &out->secret},
      {"aws_session_token", given ? &other_token : &out->token},
      {"region", &out->region},
      {"endpoint_url", &out->endpoint},
  };
  size_t count = sizeof entries / sizeof *entries;
  bool ok = own && read_file("AWS_SHARED_CREDENTIALS_FILE", "credentials", entries, count) &&
            read_file("AWS_CONFIG_FILE", "config", entries, count) &&
            fill(&out->region, "us-east-1");
  Credentials others = {other_key, other_secret, other_token, NULL, NULL};
  credentials_free(&others);
  return ok;
}

static void wipe(char *text) {
  if (text)
    explicit_bzero(text, strlen(text));
  free(text);
}

void credentials_free(Credentials *credentials) {
  wipe(credentials->key);
  wipe(credentials->secret);
  wipe(credentials->token);
  free(credentials->region);
  free(credentials->endpoint);
  *credentials = (Credentials){0};
}
