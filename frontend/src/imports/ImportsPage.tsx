import { Button, FileButton, Progress } from "@mantine/core";
import { type DragEvent, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { ImportJobsDocument } from "../api/generated";
import { useSession } from "../api/session";
import { serverText } from "../i18n/server";
import { bytes, useNumber, utc } from "../shared/format";
import { Icon } from "../shared/Icon";
import { State } from "../shared/State";
import { DeadLetters } from "./DeadLetters";
import { upload } from "./upload";

const JOBS = 50;
const POLL_MS = 1_000;

interface Sending {
  name: string;
  share: number;
  failed?: string;
}

/** Hands log files to the server and shows what became of them. */
export function ImportsPage() {
  const { t } = useTranslation();
  const number = useNumber();
  const mayImport = useSession()?.role !== "VIEWER";
  const [sending, setSending] = useState<Sending[]>([]);
  const [{ data, error, fetching }, reload] = useQuery({
    query: ImportJobsDocument,
    variables: { first: JOBS },
  });
  const jobs = data?.importJobs ?? [];
  const running = jobs.filter((j) => j.state === "RUNNING").length;

  useEffect(() => {
    if (running === 0 && sending.length === 0) return;
    const timer = setInterval(() => reload({ requestPolicy: "network-only" }), POLL_MS);
    return () => clearInterval(timer);
  }, [running, sending.length, reload]);

  async function send(files: File[]) {
    for (const file of files) {
      const change = (now: Partial<Sending>) =>
        setSending((all) => all.map((s) => (s.name === file.name ? { ...s, ...now } : s)));
      setSending((all) => [...all.filter((s) => s.name !== file.name), { name: file.name, share: 0 }]);
      try {
        await upload(file, (share) => change({ share }));
        setSending((all) => all.filter((s) => s.name !== file.name));
        reload({ requestPolicy: "network-only" });
      } catch (issue) {
        change({ failed: issue instanceof Error ? issue.message : String(issue) });
      }
    }
  }

  function drop(event: DragEvent) {
    event.preventDefault();
    if (mayImport) void send([...event.dataTransfer.files]);
  }

  return (
    <>
      <header className="head">
        <h1>{t("pages.imports")}</h1>
        {mayImport && (
          <FileButton multiple onChange={(files) => void send(files)}>
            {(props) => (
              <Button {...props} leftSection={<Icon name="imports" size={14} />}>
                {t("imports.choose")}
              </Button>
            )}
          </FileButton>
        )}
        <span className="dim">{t("imports.formats")}</span>
      </header>
      <section
        className="body stack"
        aria-label={t("pages.imports")}
        onDragOver={(e) => e.preventDefault()}
        onDrop={drop}
      >
        {sending.map((s) => (
          <div key={s.name} className="panel pad row">
            <span className="mono">{s.name}</span>
            {s.failed ? (
              <span role="alert" style={{ color: "var(--level-critical)" }}>
                {s.failed}
              </span>
            ) : (
              <Progress
                aria-label={t("imports.sending", { name: s.name })}
                style={{ flex: 1 }}
                value={s.share * 100}
                animated
              />
            )}
          </div>
        ))}
        <div className="panel" style={{ overflow: "auto" }}>
          <table className="dense">
            <thead>
              <tr>
                <th scope="col">{t("imports.file")}</th>
                <th scope="col">{t("imports.state")}</th>
                <th scope="col" style={{ minWidth: 160 }}>
                  {t("imports.read")}
                </th>
                <th scope="col" className="num">
                  {t("imports.stored")}
                </th>
                <th scope="col" className="num">
                  {t("imports.duplicates")}
                </th>
                <th scope="col" className="num">
                  {t("imports.skipped")}
                </th>
                <th scope="col" className="num">
                  {t("imports.issues")}
                </th>
                <th scope="col">{t("imports.started")} (UTC)</th>
                <th scope="col">{t("imports.took")}</th>
              </tr>
            </thead>
            <tbody>
              {jobs.map((job) => (
                <tr key={job.id}>
                  <td className="mono wrap">{job.name}</td>
                  <td>
                    <span className="chip">{t(`imports.states.${job.state}`)}</span>
                    {job.message && <div className="wrap dim">{serverText(job.message)}</div>}
                  </td>
                  <td>
                    <span className="num">
                      {bytes(job.bytesRead)}
                      {job.bytesTotal !== null && ` / ${bytes(job.bytesTotal)}`}
                    </span>
                    {job.state === "RUNNING" && job.bytesTotal !== null && (
                      <Progress
                        aria-label={t("imports.progress", { name: job.name })}
                        value={(100 * job.bytesRead) / Math.max(1, job.bytesTotal)}
                        animated
                      />
                    )}
                  </td>
                  <td className="num">{number(job.stored)}</td>
                  <td className="num">{number(job.duplicates)}</td>
                  <td className="num">{number(job.skipped)}</td>
                  <td className="num" style={job.issues > 0 ? { color: "var(--level-high)" } : undefined}>
                    {number(job.issues)}
                  </td>
                  <td className="mono">{utc(job.startedAt, false)}</td>
                  <td className="num">
                    {job.finishedAt &&
                      `${((Date.parse(job.finishedAt) - Date.parse(job.startedAt)) / 1000).toFixed(1)} s`}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <State
            loading={fetching}
            error={error}
            empty={jobs.length === 0}
            nothing={t("imports.nothing")}
            retry={() => reload({ requestPolicy: "network-only" })}
          />
        </div>
        {mayImport && <DeadLetters turn={jobs.reduce((sum, j) => sum + j.issues, 0)} />}
      </section>
    </>
  );
}
