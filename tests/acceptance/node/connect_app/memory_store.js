// A store for `ac.store.register`: the framework's own in-memory one needs a compiled SQLite.
"use strict";

class MemoryStore {
  rows = new Map();

  isMemoryStore() {
    return true;
  }

  async get(key, clientKey) {
    return this.rows.get(`${clientKey} ${key}`) ?? null;
  }

  async set(key, value, clientKey) {
    this.rows.set(`${clientKey} ${key}`, value);
    return value;
  }

  async del(key, clientKey) {
    this.rows.delete(`${clientKey} ${key}`);
  }

  async saveInstallation(value, clientKey) {
    return this.set("clientInfo", value, clientKey);
  }
}

module.exports = () => new MemoryStore();
