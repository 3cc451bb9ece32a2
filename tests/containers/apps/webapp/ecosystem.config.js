// How PM2 runs the web app.
module.exports = {
  apps: [
    {
      name: "webapp",
      cwd: process.env.APP_DIR || __dirname,
      script: "./server.js",
      instances: 2,
      exec_mode: "cluster",
      wait_ready: true,
      listen_timeout: 8000,
      kill_timeout: 5000,
    },
  ],
};
