{{- /* What the pods of workers and edges have in common. */ -}}
{{- define "parley.pod" -}}
automountServiceAccountToken: false
# A service named `parley` would set PARLEY_PORT to a URL.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{ include "parley.selector" $ | nindent 8 }}
  {{- end }}
{{- end }}

{{- define "parley.container" -}}
image: {{ printf "%s:%s" .root.Values.image.repository (.root.Values.image.tag | default .root.Chart.AppVersion) | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
envFrom:
  - configMapRef: {name: {{ include "parley.name" .root }}}
{{- end }}

{{- define "parley.mounts" -}}
- {name: data, mountPath: /data}
- {name: tmp, mountPath: /tmp}
- {name: secrets, mountPath: /etc/parley/secrets, readOnly: true}
{{- end }}

{{- define "parley.volumes" -}}
- {name: tmp, emptyDir: {}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range $setting, $at := .Values.secrets }}
      {{- if $at }}
      - secret: {name: {{ $at.name }}, items: [{key: {{ $at.key }}, path: {{ $setting }}}]}
      {{- end }}
      {{- end }}
{{- end }}
