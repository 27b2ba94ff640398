// npm's har-validator on the files named on the command line; the first complaint about each is printed.
const fs = require("fs");
const validator = require("har-validator");

async function judge(file) {
  const har = JSON.parse(fs.readFileSync(file, "utf8"));
  try {
    await validator.har(har);
  } catch (error) {
    const { dataPath, message } = (error.errors || [error])[0];
    console.log(`${file}: ${dataPath} ${message}`);
    process.exitCode = 1;
  }
}

process.argv.slice(2).forEach(judge);
