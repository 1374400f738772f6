{{- /* Values that contradict each other. What one value alone must be is in values.schema.json. */ -}}
{{- define "parley.checks" -}}
{{- $v := .Values -}}
{{- if and $v.strimzi.enabled $v.kafka.brokers }}{{ fail "kafka.brokers names a Kafka, and strimzi.enabled makes one: set one of them" }}{{ end -}}
{{- if not (or $v.strimzi.enabled $v.kafka.brokers) }}{{ fail "no Kafka: set kafka.brokers, or strimzi.enabled" }}{{ end -}}
{{- if and $v.strimzi.topics (not $v.strimzi.enabled) }}{{ fail "strimzi.topics needs strimzi.enabled" }}{{ end -}}
{{- if and $v.strimzi.enabled (gt (int $v.replication) (int $v.strimzi.nodes)) }}{{ fail (printf "replication is %v, but strimzi.nodes is %v: a broker has one copy" $v.replication $v.strimzi.nodes) }}{{ end -}}
{{- if gt (int $v.minInsync) (int $v.replication) }}{{ fail (printf "minInsync is %v, but replication is %v: no send would ever be answered" $v.minInsync $v.replication) }}{{ end -}}
{{- if and (gt (int $v.replication) 1) (eq (int $v.minInsync) (int $v.replication)) }}{{ fail "minInsync equals replication: sends would stop with any one broker" }}{{ end -}}
{{- if and $v.valkey.url $v.secrets.redis }}{{ fail "valkey.url and secrets.redis both say where Valkey is: set one of them" }}{{ end -}}
{{- if not (or $v.valkey.url $v.secrets.redis) }}{{ fail "no Valkey: set valkey.url, or secrets.redis where the URL has a password" }}{{ end -}}
{{- if gt (int $v.worker.replicas) (int $v.partitions) }}{{ fail (printf "worker.replicas is %v, but there are %v partitions: the others would be idle" $v.worker.replicas $v.partitions) }}{{ end -}}
{{- with $v.worker.keda }}{{ if .enabled -}}
{{- if gt (int .max) (int $v.partitions) }}{{ fail (printf "worker.keda.max is %v, but there are %v partitions: the others would be idle" .max $v.partitions) }}{{ end -}}
{{- if gt (int .min) (int .max) }}{{ fail (printf "worker.keda.min is %v, above worker.keda.max, %v" .min .max) }}{{ end -}}
{{- if not .prometheus }}{{ fail "worker.keda.enabled needs worker.keda.prometheus, the URL of the Prometheus that has the lag" }}{{ end -}}
{{- if not $v.metrics.enabled }}{{ fail "worker.keda.enabled needs metrics.enabled" }}{{ end -}}
{{- end }}{{ end -}}
{{- with $v.edge.autoscaling }}{{ if .enabled -}}
{{- if gt (int .min) (int .max) }}{{ fail (printf "edge.autoscaling.min is %v, above edge.autoscaling.max, %v" .min .max) }}{{ end -}}
{{- if not $v.metrics.enabled }}{{ fail "edge.autoscaling.enabled needs metrics.enabled" }}{{ end -}}
{{- end }}{{ end -}}
{{- if and (not $v.metrics.enabled) (or $v.metrics.serviceMonitor.enabled $v.metrics.alerts.enabled) }}{{ fail "metrics.serviceMonitor and metrics.alerts need metrics.enabled" }}{{ end -}}
{{- if and $v.metrics.serviceMonitor.enabled $v.networkPolicy.enabled (not $v.networkPolicy.prometheus) }}{{ fail "metrics.serviceMonitor needs networkPolicy.prometheus: no one may reach the metrics" }}{{ end -}}
{{- if lt (int $v.edge.terminationGracePeriodSeconds) (add (int $v.edge.preStopSeconds) 15 | int) }}{{ fail (printf "edge.terminationGracePeriodSeconds is %v: edge.preStopSeconds and the 10 seconds of an edge's end take %v, and need some to spare" $v.edge.terminationGracePeriodSeconds (add (int $v.edge.preStopSeconds) 10)) }}{{ end -}}
{{- if and $v.backup.enabled (not $v.backup.claim) }}{{ fail "backup.enabled needs backup.claim, a PersistentVolumeClaim" }}{{ end -}}
{{- if and $v.ingress.enabled (not $v.ingress.host) }}{{ fail "ingress.enabled needs ingress.host" }}{{ end -}}
{{- with $v.settings }}{{ if and .PARLEY_JWKS $v.secrets.jwks }}{{ fail "settings.PARLEY_JWKS and secrets.jwks: set one of them" }}{{ end -}}
{{- if and .PARLEY_UPLOAD_HOOK $v.secrets.upload_hook }}{{ fail "settings.PARLEY_UPLOAD_HOOK and secrets.upload_hook: set one of them" }}{{ end -}}
{{- if and .PARLEY_PUSH_GATEWAY $v.secrets.push_gateway }}{{ fail "settings.PARLEY_PUSH_GATEWAY and secrets.push_gateway: set one of them" }}{{ end -}}
{{- end -}}
{{- if ne (empty $v.settings.PARLEY_REGION) (empty $v.settings.PARLEY_REGIONS) }}{{ fail "settings.PARLEY_REGION and settings.PARLEY_REGIONS need each other" }}{{ end -}}
{{- if and (or $v.settings.PARLEY_JWKS $v.secrets.jwks) (not (and $v.settings.PARLEY_ISSUER $v.settings.PARLEY_AUDIENCE)) }}{{ fail "a key set needs settings.PARLEY_ISSUER and settings.PARLEY_AUDIENCE: otherwise tokens for other services would count" }}{{ end -}}
{{- end }}
