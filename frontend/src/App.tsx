import { Loader } from "@mantine/core";
import { lazy, Suspense, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { AlertsPage } from "./alerts/AlertsPage";
import { HitStreamProvider } from "./alerts/stream";
import { useSession } from "./api/session";
import { ImportsPage } from "./imports/ImportsPage";
import { LoginPage } from "./login/LoginPage";
import { PAGES, Rail } from "./Rail";
import { RulesPage } from "./rules/RulesPage";
import { SearchPage } from "./search/SearchPage";
import { Boundary } from "./shared/Boundary";
import { Said } from "./shared/Said";

const HostsPage = lazy(() => import("./hosts/HostsPage"));
const StatisticsPage = lazy(() => import("./statistics/StatisticsPage"));
/** Drawing the graph takes as much code as all the rest. */
const GraphPage = lazy(() => import("./graph/GraphPage"));
const ProcessPage = lazy(() => import("./process/ProcessPage"));

export function App() {
  const session = useSession();
  const { t } = useTranslation();
  const [path] = useLocation();
  const page = PAGES.find((p) => path === `/${p}`);
  const title = t(page ? `pages.${page}` : "login.submit");
  useEffect(() => {
    document.title = `${title} · SysmonSearch`;
  }, [title]);
  if (!session) return <LoginPage />;
  return (
    <HitStreamProvider key={session.token}>
      <div className="frame">
        {/* biome-ignore lint/a11y/useValidAnchor: it leads within the page, whose address keeps what it holds. */}
        <a
          className="skip"
          href="#page"
          onClick={(event) => {
            event.preventDefault();
            document.getElementById("page")?.focus();
          }}
        >
          {t("app.skip")}
        </a>
        <Rail session={session} />
        <main className="page" id="page" tabIndex={-1}>
          <Boundary key={path}>
            <Suspense fallback={<Loader m="auto" role="status" aria-label={t("state.loading")} />}>
              <Switch>
                <Route path="/search" component={SearchPage} />
                <Route path="/alerts" component={AlertsPage} />
                <Route path="/statistics" component={StatisticsPage} />
                <Route path="/hosts" component={HostsPage} />
                <Route path="/graph" component={GraphPage} />
                <Route path="/process" component={ProcessPage} />
                <Route path="/rules" component={RulesPage} />
                <Route path="/imports" component={ImportsPage} />
                <Route>
                  <Redirect to="/search" />
                </Route>
              </Switch>
            </Suspense>
          </Boundary>
        </main>
        <Said />
      </div>
    </HitStreamProvider>
  );
}
