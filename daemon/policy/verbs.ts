import { loadPolicy } from "#daemon/config/policy";
import { faultText } from "#daemon/fault";
import { EXIT, type ExitCode } from "#kernel/contract/exit-code";

/** Checks one policy file by the rules of this program. Faults go to stderr or, with `json`, to stdout. */
export function checkPolicyFile(file: string, json: boolean): ExitCode {
  const checked = loadPolicy(file);
  const faults = checked.ok ? [] : checked.faults;
  const name = checked.ok ? checked.value.name : null;
  const digest = checked.ok ? checked.value.digest : null;
  const groups = checked.ok ? checked.value.values.overrides.map(({ group }) => group) : [];
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ schema: "jumping-vpn/policy-check/v1", ok: checked.ok, file, name, digest, groups, faults })}\n`,
    );
  } else if (checked.ok) {
    const overrides = groups.length === 0 ? "" : `, overrides for ${groups.join(", ")}`;
    process.stdout.write(`${file}: valid (policy ${name}${overrides})\n`);
  } else for (const fault of faults) process.stderr.write(faultText(fault));
  return checked.ok ? EXIT.ok : EXIT.configuration;
}
