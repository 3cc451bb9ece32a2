// How PM2 runs the Next.js app.
module.exports = {
  apps: [
    {
      name: "next",
      cwd: process.env.APP_DIR || __dirname,
      script: "node_modules/next/dist/bin/next",
      args: "start -p 3000",
      instances: 2,
      exec_mode: "cluster",
      kill_timeout: 3000,
    },
  ],
};
