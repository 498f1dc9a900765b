//! The `GitLabConnection` resource: pure data, documented for the person who types the YAML.
