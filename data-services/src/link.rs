//! The bus as packets: topics and encoding, on any network driver.
