import { TestEnvironment } from 'jest-environment-node';

/**
 * Jest's environment for a file that runs a third-party suite, which cannot mark the
 * tests that do not apply. It gives the file `leaveOut(titles)`, which removes tests and blocks of these
 * full titles before the run and returns the set of titles that existed.
 */
export default class SelectiveEnvironment extends TestEnvironment {
  leftOut = [];
  found = new Set();

  async setup() {
    await super.setup();
    this.global.leaveOut = (titles) => {
      this.leftOut = titles;
      return this.found;
    };
  }

  handleTestEvent({ name }, { rootDescribeBlock }) {
    if (name === 'run_start') this.takeOut(rootDescribeBlock, '');
  }

  takeOut(block, around) {
    block.children = block.children.filter((child) => {
      const title = `${around} ${child.name}`.trim();
      if (this.leftOut.includes(title)) return void this.found.add(title);
      if (child.type === 'describeBlock') this.takeOut(child, title);
      return true;
    });
  }
}
