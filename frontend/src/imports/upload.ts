import i18next from "i18next";
import { endSession, session } from "../api/session";
import { serverText } from "../i18n/server";

/**
 * Sends a file; `onProgress` hears the share sent, 0 to 1.
 *
 * @returns the id of the import job
 * @throws Error with the server's message
 */
export function upload(file: File, onProgress: (share: number) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/import?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("authorization", `Bearer ${session()?.token ?? ""}`);
    request.upload.onprogress = (e) => onProgress(e.lengthComputable ? e.loaded / e.total : 0);
    request.onerror = () => reject(new Error(i18next.t("state.unreachable")));
    request.onload = () => {
      if (request.status === 401) endSession(true);
      const answer = read(request.responseText);
      if (request.status === 202 && answer.jobId) resolve(answer.jobId);
      else reject(new Error(said(answer.error) ?? `${request.status} ${request.statusText}`));
    };
    request.send(file);
  });
}

interface Answer {
  jobId?: string;
  error?: { code: string; message: string };
}

const said = (error: Answer["error"]) => error && serverText(error.message, error.code);

function read(text: string): Answer {
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return {};
  }
}
