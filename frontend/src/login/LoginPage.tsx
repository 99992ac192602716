import { Alert, Button, PasswordInput, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMutation } from "urql";
import { refusal } from "../api/client";
import { LoginDocument } from "../api/generated";
import { sessionExpired, startSession } from "../api/session";
import { LanguageAndTheme } from "../shared/LanguageAndTheme";

/** The page that was asked for stays in the address and is shown after the log-in. */
export function LoginPage() {
  const { t } = useTranslation();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [refused, setRefused] = useState<string>();
  const [{ fetching }, login] = useMutation(LoginDocument);

  async function submit(event: FormEvent) {
    event.preventDefault();
    setRefused(undefined);
    const { data, error } = await login({ input: { name, password } });
    const result = data?.login;
    if (result?.token && result.expiresAt && result.viewer) {
      startSession({ token: result.token, expiresAt: result.expiresAt, ...result.viewer });
    } else {
      setRefused(refusal(error, result?.errors) ?? t("login.failed"));
    }
  }

  return (
    <main style={{ display: "grid", placeItems: "center", height: "100%" }}>
      <form className="panel stack" style={{ width: 340, padding: 28, gap: 14 }} onSubmit={submit}>
        <div className="row">
          <img src="/icon.svg" width={34} height={34} alt="" />
          <div>
            <h1>SysmonSearch</h1>
            <div className="dim">{t("login.subtitle")}</div>
          </div>
        </div>
        {refused ? (
          <Alert color="red" role="alert" p="xs">
            {refused}
          </Alert>
        ) : (
          sessionExpired() && (
            <Alert color="blue" role="status" p="xs">
              {t("login.expired")}
            </Alert>
          )
        )}
        <TextInput
          size="sm"
          label={t("login.name")}
          autoComplete="username"
          required
          withAsterisk={false}
          autoFocus
          value={name}
          onChange={(e) => setName(e.currentTarget.value)}
        />
        <PasswordInput
          label={t("login.password")}
          autoComplete="current-password"
          required
          withAsterisk={false}
          value={password}
          onChange={(e) => setPassword(e.currentTarget.value)}
          visibilityToggleButtonProps={{ "aria-label": t("login.show") }}
        />
        <Button type="submit" size="sm" loading={fetching}>
          {t("login.submit")}
        </Button>
        <div className="row choices">
          <LanguageAndTheme />
        </div>
      </form>
    </main>
  );
}
