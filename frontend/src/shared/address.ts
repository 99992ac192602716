import { useMemo } from "react";
import { useLocation, useSearch } from "wouter";
import { useLocationProperty } from "wouter/use-browser-location";

/** Characters of an address that any server takes; what stands behind `#` is not sent to it. */
const LONGEST = 8_000;

/** A path with its parameters. A search with thousands of values stands behind the `#`. */
export function addressOf(path: string, params: URLSearchParams): string {
  const whole = params.toString();
  if (whole.length <= LONGEST) return whole ? `${path}?${whole}` : path;
  const sent = new URLSearchParams(params);
  const kept = new URLSearchParams({ q: params.get("q") ?? "" });
  sent.delete("q");
  return addressOf(path, sent) + (params.has("q") ? `#${kept}` : "");
}

/** All parameters of an address, those behind the `#` included. */
export function paramsOf(search: string, hash: string): URLSearchParams {
  const params = new URLSearchParams(search);
  const q = hash.startsWith("#q=") && new URLSearchParams(hash.slice(1)).get("q");
  if (q) params.set("q", q);
  return params;
}

/** The parameters of the page, and how to change them. */
export function useAddress(): [
  URLSearchParams,
  (change: (params: URLSearchParams) => void, how?: { replace: boolean }) => void,
] {
  const [path, navigate] = useLocation();
  const search = useSearch();
  const hash = useLocationProperty(() => location.hash);
  const params = useMemo(() => paramsOf(search, hash), [search, hash]);
  return [
    params,
    (change, how) => {
      const next = paramsOf(location.search, location.hash);
      change(next);
      navigate(addressOf(path, next), how);
    },
  ];
}
