{{- define "parley.name" -}}
{{- /* Names of pods are names of workers, so the release's name is all that comes before. */ -}}
{{- if contains "parley" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-parley{{ end -}}
{{- end }}

{{- define "parley.selector" -}}
app.kubernetes.io/name: parley
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "parley.labels" -}}
{{ include "parley.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "parley.broker" -}}
{{- if .Values.strimzi.enabled -}}
kafka://{{ include "parley.name" . }}-kafka-kafka-bootstrap:9092
{{- else -}}
kafka://{{ join "," .Values.kafka.brokers }}
{{- end -}}
{{- end }}
