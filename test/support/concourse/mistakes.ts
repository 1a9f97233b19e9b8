/** A pipeline that is right, and each mistake that the checker must find, as a change of it. */

/** A task file and a script, as a repository has them. */
export const files: Readonly<Record<string, string>> = {
  "ci/build.yml": `
platform: linux
inputs: [{ name: repo }, { name: extra, optional: true }]
outputs: [{ name: built }]
params: { TARGET: }
run: { path: repo/ci/build.sh, args: [repo/ci/list.txt] }
`,
  "ci/use.yml": `
platform: linux
inputs: [{ name: repo }, { name: built }]
run: { path: "true" }
`,
  "ci/build.sh": "#!/bin/sh\n",
  "ci/list.txt": "",
};
export const pipeline = `
resource_types:
  - { name: chat-type, type: registry-image, source: { repository: chat } }
resources:
  - { name: repo, type: git, source: { uri: ((uri)), private_key: ((key)) } }
  - { name: node-image, type: registry-image, source: { repository: node } }
  - { name: chat, type: chat-type, source: { url: ((url)) } }
jobs:
  - name: first
    plan:
      - get: repo
        trigger: true
      - get: node-image
      - set_pipeline: self
        file: repo/ci/build.yml
  - name: second
    plan:
      - in_parallel:
          - { get: repo, passed: [first] }
          - { get: node-image }
      - task: build
        file: repo/ci/build.yml
        image: node-image
        params: { TARGET: one }
        output_mapping: { built: made }
        timeout: 1h30m
        attempts: 2
      - task: use
        file: repo/ci/use.yml
        image: node-image
        input_mapping: { built: made }
      - put: chat
        inputs: [made]
        params: { file: made/text }
        no_get: true
    on_failure:
      put: chat
      no_get: true
`;

export interface Change {
  /** What is wrong, as the name of a case. */
  readonly mistake: string;
  readonly file?: string;
  readonly from: string | RegExp;
  readonly to: string;
  readonly says: RegExp;
}

/** Each has one mistake more than the pipeline above. */
export const changes: readonly Change[] = [
  { mistake: "an unknown key of the pipeline", from: "jobs:", to: "job: []\njobs:", says: /"job"/ },
  {
    mistake: "an unknown key of a resource",
    from: "name: chat, type",
    to: "name: chat, typ: x, type",
    says: /"typ"/,
  },
  { mistake: "an unknown key of a step", from: "trigger: true", to: "triger: true", says: /"triger"/ },
  {
    mistake: "an unknown key of a hook",
    from: /put: chat\n {6}no_get/,
    to: "put: chat\n      noget",
    says: /"noget"/,
  },
  {
    mistake: "an unknown key of a task",
    file: "ci/build.yml",
    from: "outputs",
    to: "ouputs",
    says: /"ouputs"/,
  },
  {
    mistake: "a step of two kinds",
    from: "set_pipeline: self",
    to: "set_pipeline: self\n        put: chat",
    says: /put and set_pipeline/,
  },
  { mistake: "a step of no kind", from: "get: node-image\n", to: "got: node-image\n", says: /is no step/ },
  { mistake: "a list that is none", from: "passed: [first]", to: "passed: first", says: /passed/ },
  { mistake: "a name that is no identifier", from: "name: first", to: "name: First", says: /no identifier/ },
  { mistake: "a timeout that is none", from: "1h30m", to: "90 minutes", says: /no duration/ },
  { mistake: "no attempt", from: "attempts: 2", to: "attempts: 0", says: /attempts/ },
  {
    mistake: "a variable of the dead kind",
    from: "((uri))",
    to: "{{uri}}",
    says: /\{\{uri\}\} is no variable/,
  },
  { mistake: "a secret in the file", from: "((key))", to: "s3cret", says: /repo holds private_key/ },
  {
    mistake: "a resource of an unknown type",
    from: "type: git,",
    to: "type: gitt,",
    says: /unknown type gitt/,
  },
  {
    mistake: "a resource type that nothing is of",
    from: "type: chat-type",
    to: "type: git",
    says: /type chat-type is not used/,
  },
  {
    mistake: "a resource that nothing uses",
    from: "name: chat, type",
    to: "name: chat2, type",
    says: /resource chat2 is not used/,
  },
  {
    mistake: "an unknown resource",
    from: "put: chat\n        inputs",
    to: "put: chatt\n        inputs",
    says: /unknown resource chatt/,
  },
  {
    mistake: "a resource that is there twice",
    from: "name: node-image, type",
    to: "name: repo, type",
    says: /resource repo is there twice/,
  },
  {
    mistake: "a job that is there twice",
    from: "name: second",
    to: "name: first",
    says: /job first is there twice/,
  },
  {
    mistake: "a get that is there twice",
    from: "{ get: node-image }",
    to: "{ get: repo, resource: node-image }",
    says: /get repo is there twice/,
  },
  { mistake: "an unknown job", from: "passed: [first]", to: "passed: [frist]", says: /unknown job frist/ },
  {
    mistake: "a job that has not what passes it",
    from: "- get: repo\n",
    to: "- get: repo\n        resource: chat\n",
    says: /which has none/,
  },
  {
    mistake: "a job that waits for itself",
    from: "- get: repo\n",
    to: "- get: repo\n        passed: [second]\n",
    says: /first waits for itself/,
  },
  {
    mistake: "a job outside all groups",
    from: "jobs:",
    to: "groups: [{ name: one, jobs: [first] }]\njobs:",
    says: /second belongs to no group/,
  },
  {
    mistake: "a task without a file",
    from: /file: repo\/ci\/use.yml\n/,
    to: "privileged: true\n",
    says: /either file or config/,
  },
  {
    mistake: "a task whose file is missing",
    from: "ci/use.yml",
    to: "ci/used.yml",
    says: /no file ci\/used.yml/,
  },
  {
    mistake: "a pipeline whose file is missing",
    from: "file: repo/ci/build.yml\n  - name",
    to: "file: repo/ci/p.yml\n  - name",
    says: /set_pipeline: there is no file ci\/p.yml/,
  },
  {
    mistake: "a file of an artifact that is not there",
    from: "file: repo/ci/use.yml",
    to: "file: src/ci/use.yml",
    says: /nothing before it gives src/,
  },
  {
    mistake: "an input that nothing gives",
    from: "output_mapping: { built: made }",
    to: "privileged: true",
    says: /gives the input made/,
  },
  {
    mistake: "an input of a step beside it",
    from: "{ get: node-image }",
    to: "{ task: use, file: repo/ci/use.yml, image: node-image }",
    says: /nothing before it gives repo/,
  },
  {
    mistake: "an input that the task does not declare",
    from: "input_mapping: { built",
    to: "input_mapping: { build",
    says: /declares no input build/,
  },
  {
    mistake: "an output that the task does not declare",
    from: "output_mapping: { built",
    to: "output_mapping: { build",
    says: /declares no output build/,
  },
  {
    mistake: "a parameter that the task does not declare",
    from: "TARGET: one",
    to: "TARGETS: one",
    says: /declares no parameter TARGETS/,
  },
  {
    mistake: "a parameter without a value",
    from: "        params: { TARGET: one }\n",
    to: "",
    says: /TARGET has no value/,
  },
  {
    mistake: "an image that nothing gives",
    from: "image: node-image\n        input",
    to: "image: node\n        input",
    says: /gives the image node/,
  },
  {
    mistake: "a task without an image",
    from: "image: node-image\n        input",
    to: "input",
    says: /has no image/,
  },
  {
    mistake: "an input of a put that nothing gives",
    from: "inputs: [made]",
    to: "inputs: [mad]",
    says: /gives the input mad/,
  },
  {
    mistake: "a file outside the inputs of a put",
    from: "inputs: [made]",
    to: "inputs: [repo]",
    says: /made\/text is in none of its inputs/,
  },
  {
    mistake: "a script that is missing",
    file: "ci/build.yml",
    from: "ci/build.sh",
    to: "ci/biuld.sh",
    says: /no file ci\/biuld.sh/,
  },
  {
    mistake: "a script that is not executable",
    file: "ci/build.yml",
    from: "repo/ci/build.sh",
    to: "repo/ci/list.txt",
    says: /list.txt is not executable/,
  },
  {
    mistake: "a script of an input that is not asked for",
    file: "ci/build.yml",
    from: "[{ name: repo }, ",
    to: "[",
    says: /without the input repo/,
  },
];
