// pulumi-resource-docker: the Pulumi resource plugin for Docker, built where the official one
// cannot be had. schema.json is written by ./schema just before this is compiled.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/terraform-providers/terraform-provider-docker/hanoi/bridge"
)

//go:embed schema.json
var schema []byte

func main() {
	tfbridge.Main(bridge.Name, bridge.Version, bridge.Provider(), schema)
}
