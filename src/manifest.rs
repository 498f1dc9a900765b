//! Manifests from files: parsed, defaulted and held to the rules of the CRD.
