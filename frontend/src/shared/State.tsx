import { Alert, Button, Loader } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { CombinedError } from "urql";
import { errorText } from "../api/client";

interface Props {
  loading: boolean;
  error?: CombinedError | undefined;
  empty: boolean;
  /** Why there is nothing, and what to do about it. */
  nothing: ReactNode;
  retry?: () => void;
}

/** What stands in place of data: still loading, failed, or nothing there. Shows nothing when there is data. */
export function State({ loading, error, empty, nothing, retry }: Props) {
  const { t } = useTranslation();
  if (error) {
    return (
      <Alert color="red" role="alert" title={t("state.failed")} m="sm" p="xs">
        <div className="wrap">{errorText(error)}</div>
        {retry && (
          <Button mt="xs" variant="default" onClick={retry}>
            {t("state.retry")}
          </Button>
        )}
      </Alert>
    );
  }
  if (!empty) return null;
  return (
    <div className="state" role="status">
      {loading ? (
        <>
          <Loader size="sm" aria-hidden="true" />
          <span className="unseen">{t("state.loading")}</span>
        </>
      ) : (
        nothing
      )}
    </div>
  );
}
