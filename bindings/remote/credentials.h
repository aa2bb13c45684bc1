// Credentials for S3 and compatible stores, from where AWS tools look for them.
#ifndef PGHOST_REMOTE_CREDENTIALS_H
#define PGHOST_REMOTE_CREDENTIALS_H

#include <stdbool.h>

// Strings of their own, or NULL. Without `key` requests are not signed.
typedef struct Credentials {
  char *key;
  char *secret;
  char *token;
  char *region;
  char *endpoint; // "http://127.0.0.1:9000"; NULL: the one of the region
} Credentials;

// Each value from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN;
// AWS_REGION, AWS_DEFAULT_REGION; AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL), otherwise from the
// section of AWS_PROFILE ("default") in ~/.aws/credentials and ~/.aws/config, or the files that
// AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE name. Key and secret come from one place, never
// one from each. False: out of memory.
// Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files".
bool credentials_find(Credentials *credentials);

// Frees the strings; the secrets are wiped first.
void credentials_free(Credentials *credentials);

#endif
