import { Alert, Button } from "@mantine/core";
import { Component, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

/** Keeps a fault of one page from taking the others with it. */
export class Boundary extends Component<{ children: ReactNode }, { fault?: Error }> {
  override state: { fault?: Error } = {};

  static getDerivedStateFromError(fault: Error) {
    return { fault };
  }

  override render() {
    const { fault } = this.state;
    return fault ? (
      <Fault message={fault.message} again={() => this.setState({ fault: undefined })} />
    ) : (
      this.props.children
    );
  }
}

function Fault({ message, again }: { message: string; again: () => void }) {
  const { t } = useTranslation();
  return (
    <Alert color="red" role="alert" title={t("state.fault")} m="md">
      <div className="wrap">{message}</div>
      <Button mt="xs" variant="default" onClick={again}>
        {t("state.retry")}
      </Button>
    </Alert>
  );
}
