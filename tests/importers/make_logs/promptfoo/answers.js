// A provider of promptfoo that errs on every `wrong`th question; in the repeat, on others.
class Answers {
  constructor(options) {
    this.wrong = options.config.wrong;
    this.label = options.label;
    this.asked = {};
  }

  id() {
    return this.label;
  }

  async callApi(prompt) {
    const number = Number(prompt.match(/\d+/)[0]);
    this.asked[number] = (this.asked[number] || 0) + 1;
    if (number === 6) {
      return { error: 'no answer' };
    }
    return { output: (number + this.asked[number]) % this.wrong ? String(2 * number + 1) : 'no idea' };
  }
}
module.exports = Answers;
