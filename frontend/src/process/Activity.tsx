import { useRef } from "react";
import { useTranslation } from "react-i18next";
import type { ProcessEventsQuery } from "../api/generated";
import type { Pages } from "../api/pages";
import { useClock } from "../shared/clock";
import { categoryColour } from "../shared/colours";
import { EventRows } from "../shared/EventRows";
import { EventIcon } from "../shared/Icon";
import { partOf } from "./activity";

interface Props {
  /** Without braces, lower case. */
  guid: string;
  pages: Pages<ProcessEventsQuery["events"]["nodes"][number]>;
  selected: string | undefined;
  onSelect: (id: string) => void;
}

/** The events of a process in order of time. */
export function Activity({ guid, pages, selected, onSelect }: Props) {
  const { t } = useTranslation();
  const clock = useClock();
  const scroll = useRef<HTMLDivElement>(null);
  const chosen = pages.items.find((i) => i.id === selected);
  return (
    <>
      <span className="unseen" role="status">
        {chosen &&
          `${clock.time(chosen.time)} ${clock.label}, ${chosen.code} ${chosen.name}, ${chosen.description}`}
      </span>
      <EventRows
        ref={scroll}
        className="activity"
        label={t("process.rows")}
        pages={pages}
        selected={selected}
        onSelect={onSelect}
        nothing={t("process.nothing")}
        head={
          <>
            <th scope="col">
              {t("column.time")} ({clock.label})
            </th>
            <th scope="col">{t("column.code")}</th>
            <th scope="col">{t("process.part")}</th>
            <th scope="col">{t("process.what")}</th>
          </>
        }
      >
        {(event) => (
          <>
            <td className="mono">{clock.time(event.time)}</td>
            <td>
              <EventIcon code={event.code} size={14} colour={categoryColour(event.category)} /> {event.code}{" "}
              <span className="code-name">{event.name}</span>
            </td>
            <td className="dim">{t(`process.parts.${partOf(guid, event)}`)}</td>
            <td title={event.description}>
              <button type="button" tabIndex={-1}>
                {event.description}
              </button>
            </td>
          </>
        )}
      </EventRows>
    </>
  );
}
