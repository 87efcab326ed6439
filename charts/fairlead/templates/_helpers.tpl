{{- define "fairlead.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "fairlead.fullname" -}}
{{- $name := include "fairlead.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* Cluster-wide objects carry the namespace too: two releases may have the same name. */ -}}
{{- define "fairlead.clusterName" -}}
{{- printf "%s.%s" .Release.Namespace (include "fairlead.fullname" .) -}}
{{- end -}}

{{- define "fairlead.selectorLabels" -}}
app.kubernetes.io/name: {{ include "fairlead.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "fairlead.labels" -}}
{{ include "fairlead.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "fairlead.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "fairlead.fullname" .) -}}
{{- else -}}
{{- required "serviceAccount.name: name the ServiceAccount to use, or set serviceAccount.create to true" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "fairlead.subject" -}}
- kind: ServiceAccount
  name: {{ include "fairlead.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{- define "fairlead.image" -}}
{{- $repository := required "image.repository: name the image; build it from the Dockerfile of the repository" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- /* Meshes that are on, separated by commas. */ -}}
{{- define "fairlead.meshes" -}}
{{- $on := list -}}
{{- range $name, $wanted := .Values.meshes -}}
{{- if $wanted -}}{{- $on = append $on $name -}}{{- end -}}
{{- end -}}
{{- join "," ($on | sortAlpha) -}}
{{- end -}}

{{- define "fairlead.arguments" -}}
- --prometheus={{ required "prometheus.address: name the Prometheus that analyses ask, such as http://prometheus.monitoring:9090" .Values.prometheus.address }}
{{- with .Values.prometheus.configSecret }}
{{- if .name }}
- --prometheus-config=/etc/fairlead/prometheus/{{ .key }}
{{- end }}
{{- end }}
{{- if .Values.namespace }}
- --namespace={{ .Values.namespace }}
{{- end }}
- --meshes={{ include "fairlead.meshes" . }}
- --secret-namespaces={{ join "," .Values.secrets.trackedNamespaces }}
- --host={{ .Values.controller.listenAddress }}
- --port={{ .Values.controller.port }}
- --log-level={{ .Values.controller.logLevel }}
- --concurrency={{ .Values.controller.concurrency }}
- --git-cache=/var/cache/fairlead/git
- --leader-election=on
- --leader-election-namespace={{ .Release.Namespace }}
- --leader-election-id={{ include "fairlead.fullname" . }}
{{- range .Values.controller.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}
