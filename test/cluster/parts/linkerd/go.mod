module fairlead.dev/test/cluster/linkerd

go 1.26.0

require (
	github.com/linkerd/linkerd2 v0.0.0-20230502184307-e1ba0e039074
	sigs.k8s.io/gateway-api v1.2.1
)
