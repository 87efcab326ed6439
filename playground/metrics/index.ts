// The playground's metrics store: a scraper, series in memory, a PromQL subset, and the HTTP API of Prometheus.
// What is outside the subset is an error (bad_data), never a wrong number.
export {type PrometheusApi, startPrometheusApi} from './http-api.ts'
export {type Scraper, startScraper} from './scraper.ts'
export {MetricStore} from './store.ts'
